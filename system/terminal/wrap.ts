import { stripVTControlCharacters } from 'node:util';
import truncate from 'fast-string-truncated-width';
import { wrapAnsi } from 'fast-wrap-ansi';
import { widthOf } from './width.ts';

/** Stands for a blank at which no line ends, unless there is no other way: the words of a command stay together. */
export const NO_BREAK = '\ue000';

/** Where a word may be broken that is longer than a line; it takes no room. */
const SEAM = '\u0001';
/** What the end of a broken word has at least, so that no full stop stands alone. */
const LEAST_END = 4;
/** Behind a slash, if more than punctuation follows. */
const PLACES = /(?<=[/\\])(?![.,;:!?)\]{}'"]+$)/;
/** The blank before a word that is nothing but punctuation. */
const LONELY = / (?=[.,;:!?)\]{}'"]+(?: |$))/g;
/** How far in a line is, and its mark: of a list, of a comment, of a diff. */
const MARK = /^[+-]? *(?:(?:[-*>|✓✗·]|\/\/) +|\d+\. +)?/;
/** The first of two columns. */
const FIRST_COLUMN = /^ *\S.*? {2,}(?=\S(?!.* {2}))/;

/**
 * The lines of `text`, none wider than `columns`. Lines end between words; a word that is longer than a line ends after a `/`
 * or a `-`, where it has one. What goes on below stands as far in as the line itself, behind its mark (`- `, `3. `), or under
 * its second column, when it has two.
 */
export function wrapped(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, columns));
}

function wrapLine(line: string, columns: number): string[] {
  if (widthOf(line) <= columns) return [line.replaceAll(NO_BREAK, ' ').trimEnd()];
  const hang = hangOf(line, columns);
  const at = hang === 0 ? 0 : truncate(line, { limit: hang, ellipsis: '' }).index;
  const [start, rest] = [line.slice(0, at), line.slice(at)];
  const room = columns - hang;
  const words = rest
    .replaceAll(LONELY, NO_BREAK)
    .split(' ')
    .map((word) => fitted(word, room));
  // Colours that were opened before go on below.
  const [first = '', ...more] = wrapAnsi(coloursIn(start) + words.join(' '), room, { hard: true })
    .replaceAll(new RegExp(` ?${SEAM}`, 'g'), '')
    .replaceAll(NO_BREAK, ' ')
    .split('\n');
  return [start + first, ...more.map((part) => ' '.repeat(hang) + part)];
}

/** How far in a line goes on that is too long. */
function hangOf(line: string, columns: number): number {
  const plain = stripVTControlCharacters(line);
  const [column, mark] = [FIRST_COLUMN, MARK].map((form) => form.exec(plain)?.[0] ?? '');
  const found = [column, mark].map((text = '') => widthOf(text));
  return found.find((width) => width > 0 && width <= columns / 2) ?? 0;
}

/** A word as it is, or with places to break it when it is longer than a line. */
function fitted(word: string, room: number): string {
  if (widthOf(word) <= room) return word;
  if (word.includes(NO_BREAK)) {
    const words = word.split(NO_BREAK);
    return words.map((part) => fitted(part, room)).join(' ');
  }
  const rows = [''];
  for (const part of word.split(PLACES).flatMap((long) => chopped(long, room))) {
    const row = (rows.at(-1) ?? '') + part;
    if (widthOf(row) > room) rows.push(part);
    else rows[rows.length - 1] = row;
  }
  return rows.filter((row) => row !== '').join(` ${SEAM}`);
}

/** The parts of a word, none longer than a line. */
function chopped(word: string, room: number): string[] {
  if (widthOf(word) <= room) return [word];
  const parts = word.split(/(?<=-)/);
  if (parts.length > 1) return parts.flatMap((part) => chopped(part, room));
  const { index } = truncate(word, { limit: Math.max(1, room - LEAST_END), ellipsis: '' });
  const at = Math.max(1, index);
  return [word.slice(0, at), ...chopped(word.slice(at), room)];
}

function coloursIn(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences
  return (text.match(/\u001b\[[\d;]*m/g) ?? []).join('');
}
