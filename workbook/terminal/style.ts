import { wrapAnsi } from 'fast-wrap-ansi';
import picocolors from 'picocolors';

const WIDEST = 80;

/**
 * Colour only where a person looks: on a terminal, unless `NO_COLOR` asks for none or `FORCE_COLOR`
 * asks for it anyway (https://no-color.org).
 */
function wantsColour(): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0';
  return process.stdout.isTTY === true && TERM !== 'dumb';
}

export const colour = picocolors.createColors(wantsColour());

/** Columns to write in: the terminal's, and never more than 80. */
export function width(): number {
  return Math.min(process.stdout.columns || WIDEST, WIDEST);
}

/** `text` wrapped at words to the terminal's width, every line behind `indent`. */
export function paragraph(text: string, indent = ''): string {
  const wrapped = wrapAnsi(text, Math.max(20, width() - indent.length));
  return wrapped
    .split('\n')
    .map((line) => (line === '' ? '' : indent + line))
    .join('\n');
}
