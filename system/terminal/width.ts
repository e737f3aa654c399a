import truncate from 'fast-string-truncated-width';

/** How many columns a text takes in a terminal: a CJK letter takes two, a combining accent none. */
export function widthOf(text: string): number {
  return truncate(text, { limit: Number.POSITIVE_INFINITY }).width;
}

/** `text` in exactly so many columns: filled up with blanks, or cut. Control characters are shown as dots. */
export function padded(text: string, columns: number): string {
  const line = visible(text);
  const cut = truncate(line, { limit: columns, ellipsis: '…', ellipsisWidth: 1 });
  if (!cut.ellipsed) return cut.width < columns ? line + ' '.repeat(columns - cut.width) : line;
  const kept = `${line.slice(0, cut.index)}…`;
  return kept + ' '.repeat(Math.max(0, columns - widthOf(kept)));
}

/** `text` in at most so many columns. */
export function cut(text: string, columns: number): string {
  return padded(text, columns).trimEnd();
}

/** What a terminal would act on instead of showing it: a learner's data may hold anything. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return text.replaceAll('\t', '  ').replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '·');
}
