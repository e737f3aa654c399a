import { wrapped } from './wrap.ts';

const WIDEST = 80;
const NARROWEST = 20;

/** `text` wrapped at words to the terminal's width (80 at most), every line behind `indent`. */
export function paragraph(text: string, indent = ''): string {
  const columns = Math.min(process.stdout.columns || WIDEST, WIDEST);
  return wrapped(text, Math.max(NARROWEST, columns - indent.length))
    .map((line) => (line === '' ? '' : indent + line))
    .join('\n');
}
