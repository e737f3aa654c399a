import { wrapAnsi } from 'fast-wrap-ansi';

const WIDEST = 80;
const NARROWEST = 20;

/** `text` wrapped at words to the terminal's width (80 at most), every line behind `indent`. */
export function paragraph(text: string, indent = ''): string {
  const columns = Math.min(process.stdout.columns || WIDEST, WIDEST);
  return wrapAnsi(text, Math.max(NARROWEST, columns - indent.length))
    .split('\n')
    .map((line) => (line === '' ? '' : indent + line))
    .join('\n');
}
