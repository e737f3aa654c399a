import { appendFileSync, closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { fileSystemTrouble } from '../../system/process/user-error.ts';

const NAME = 'log.txt';
const LINE_BREAK = 10;

/** What happened in a folder of results, run after run: a line for each event, behind its time. */
export class ClassLog {
  readonly #path: string;
  #isFirst = true;

  /** @param folder of the results; it is there by the time of the first line */
  constructor(folder: string) {
    this.#path = join(folder, NAME);
  }

  /** @throws UserError when the file cannot be written */
  add(event: string): void {
    const line = `${new Date().toISOString()}  ${event.replaceAll(/\s*\n\s*/g, ' ')}\n`;
    try {
      // The last line of a run that was cut off may be half a line: the next one must not go on with it.
      const isTorn = this.#isFirst && endsInTheMiddle(this.#path);
      appendFileSync(this.#path, isTorn ? `\n${line}` : line);
      this.#isFirst = false;
    } catch (error) {
      throw fileSystemTrouble(error, `write ${this.#path}`);
    }
  }
}

function endsInTheMiddle(path: string): boolean {
  const file = openSync(path, 'a+');
  try {
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== LINE_BREAK;
  } finally {
    closeSync(file);
  }
}
