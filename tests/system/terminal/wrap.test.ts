import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { widthOf } from '../../../system/terminal/width.ts';
import { NO_BREAK, wrapped } from '../../../system/terminal/wrap.ts';
import { CHAPTER_FOLDERS } from '../../support/lessons.ts';
import { ROOT } from '../../support/workbook.ts';

const YELLOW = (text: string) => `\u001b[33m${text}\u001b[39m`;
const PATH = 'exercises/01-order-processing/orders.ts';
const WIDTHS = Array.from({ length: 81 }, (_, more) => 40 + more);

/** Sentences with all that is hard to wrap: paths, code spans, full stops behind them, brackets. */
const SENTENCES = [
  'The solution shows when you have solved orders: 0 of 15 requirements have passed.',
  `Your file is ${YELLOW(PATH)}. (See ${YELLOW(`/home/somebody/code/${PATH}`)}.) It has not passed.`,
  `Type ${YELLOW(['npm', 'run', 'grade', 'orders'].join(NO_BREAK))}, or ${YELLOW(['npm', 'run', 'grade', 'notifications', '--', '--watch', '--poll'].join(NO_BREAK))}.`,
  `  - ${'an_entry_id_that_has_no_place_to_break'.repeat(2)}.`,
  'Read the lesson:    chapters/05-pending-and-trimming/README.md, and then the next one.',
  '12. A list whose mark has two digits, and whose text is longer than any line that it may stand in.',
];

const PICTURE = /<!-- text[\s\S]*?-->|^```text\n[\s\S]*?^```/gm;

const TEXTS = [
  ...SENTENCES,
  ...CHAPTER_FOLDERS.map((folder) =>
    // Pictures are drawn for 78 columns, and are not wrapped like words.
    readFileSync(join(ROOT, 'chapters', folder, 'README.md'), 'utf8').replaceAll(PICTURE, ''),
  ),
];

describe('wrapping, at any width from 40 up', () => {
  it.each(WIDTHS)('at %i no line is too long, no word broken, no full stop alone', (columns) => {
    for (const text of TEXTS) {
      const lines = wrapped(text, columns).map(stripVTControlCharacters);

      expect(lines.filter((line) => widthOf(line) > columns)).toEqual([]);
      expect(
        lines.filter((line) => /^\s*[.,;:!?)\]'"]{1,3}$/.test(line) && !text.includes(`\n${line}`)),
      ).toEqual([]);
      const words = new Set(stripVTControlCharacters(text).replaceAll(NO_BREAK, ' ').split(/\s+/));
      const broken = lines
        .flatMap((line) => line.split(/\s+/))
        .filter((word) => word !== '' && !words.has(word));
      const isPart = (word: string) =>
        [...words].some((whole) => whole.includes(word) && whole.length > columns / 2);
      expect(broken.filter((word) => !isPart(word))).toEqual([]);
    }
  });
});

describe('wrapping', () => {
  it('breaks a path that is too long behind a slash', () => {
    expect(wrapped(`See /home/somebody/code/${PATH}.`, 40)).toEqual([
      'See /home/somebody/code/exercises/',
      '01-order-processing/orders.ts.',
    ]);
  });

  it('keeps the words of a command together when they fit into a line', () => {
    const command = ['npm', 'run', 'grade', 'orders'].join(NO_BREAK);

    expect(wrapped(`What it says is no secret: ${command}.`, 40)).toEqual([
      'What it says is no secret:',
      'npm run grade orders.',
    ]);
    expect(wrapped(`Type ${command}.`, 20)).toEqual(['Type npm run grade', 'orders.']);
  });

  it('goes on behind the mark of a list, under a second column, and as far in as the line', () => {
    expect(wrapped('  - one two three four five', 16)).toEqual([
      '  - one two',
      '    three four',
      '    five',
    ]);
    expect(wrapped('Next:  one two three four', 16)).toEqual([
      'Next:  one two',
      '       three',
      '       four',
    ]);
    expect(wrapped('+ * one two three', 14)).toEqual(['+ * one two', '    three']);
    expect(wrapped('a: one  b: two  c: three', 16)).toEqual(['a: one  b: two', 'c: three']);
    expect(wrapped('    one two three', 14)).toEqual(['    one two', '    three']);
  });

  it('gives every line its colour', () => {
    expect(wrapped(YELLOW('one two three'), 8)).toEqual([YELLOW('one two'), YELLOW('three')]);
    expect(wrapped(`  ${YELLOW('one two three')}`, 10).at(-1)).toBe(`  ${YELLOW('three')}`);
  });

  it('leaves alone what fits', () => {
    expect(wrapped('  one   two\n\nthree', 40)).toEqual(['  one   two', '', 'three']);
  });
});
