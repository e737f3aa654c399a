import { writeSync } from 'node:fs';
import { wrapped } from './wrap.ts';

let afterGap = true;

/** Writes one line, or several, to standard output. In a terminal, lines that are too long end between words. */
export function print(text: string): void {
  printAsIs(fitted(text, process.stdout));
}

/** Writes what is not ours to break, such as a value in a reply. */
export function printAsIs(text: string): void {
  process.stdout.write(`${text}\n`);
  afterGap = text === '' || text.endsWith('\n');
}

/** Writes an empty line, unless the line before is empty already. */
export function printGap(): void {
  if (!afterGap) print('');
}

/** Writes to standard error: what went wrong, and what is not part of a command's result. */
export function printError(text: string): void {
  process.stderr.write(`${fitted(text, process.stderr)}\n`);
}

/** Writes at once, for the moment before the process ends. A reader who is gone is no error. */
export function printErrorNow(text: string): void {
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // Nobody reads any more: there is nothing left to tell, and nobody to tell it to.
  }
}

/** In a pipe, somebody may look for a line: it stays whole. */
function fitted(text: string, { isTTY, columns }: NodeJS.WriteStream): string {
  return isTTY && columns > 0 ? wrapped(text, columns).join('\n') : text;
}
