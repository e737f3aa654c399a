import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findNumbered, onlyOne, readNumberedFolders } from '../../system/numbered-folders.ts';
import { UserError } from '../../system/process/user-error.ts';

/** A folder with folders of these names in it, each with a README of this text. */
function shelf(readmes: Record<string, string | undefined>): string {
  const root = mkdtempSync(join(tmpdir(), 'numbered-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [name, readme] of Object.entries(readmes)) {
    mkdirSync(join(root, name));
    if (readme !== undefined) writeFileSync(join(root, name, 'README.md'), readme);
  }
  return root;
}

describe('readNumberedFolders', () => {
  it('reads numbers, names and headings, in order, and passes over what has no number', () => {
    const root = shelf({
      '10-late': '# 10. Late, and last\n\n# Another\n',
      '02-early-bird': 'Words before.\n\n# 2. The early bird\n',
      shared: '# Shared\n',
      '7-one-digit': '# 7. One digit\n',
    });

    expect(readNumberedFolders(root)).toEqual([
      {
        number: 2,
        slug: 'early-bird',
        name: '02-early-bird',
        path: join(root, '02-early-bird'),
        title: 'The early bird',
      },
      {
        number: 10,
        slug: 'late',
        name: '10-late',
        path: join(root, '10-late'),
        title: 'Late, and last',
      },
    ]);
  });

  it('takes a heading without a number, and the folder where there is none', () => {
    const root = shelf({
      '01-plain': '# Plain\n',
      '02-no-heading': 'Text.\n',
      '03-empty': undefined,
    });

    const titles = readNumberedFolders(root).map(({ title }) => title);

    expect(titles).toEqual(['Plain', '02-no-heading', '03-empty']);
  });
});

describe('findNumbered', () => {
  const things = [
    { number: 1, names: ['orders', '01-order-processing'] },
    { number: 2, names: ['cart', '02-shopping-cart'] },
  ];
  const find = (wanted: string) =>
    findNumbered(wanted, 'exercise', things, ({ names }) => names).number;

  it.each([
    ['1', 1],
    ['02', 2],
    ['cart', 2],
    ['SHOP', 2],
    ['order-pro', 1],
  ])('takes %j for number %i', (wanted, number) => {
    expect(find(wanted)).toBe(number);
  });

  it.each([
    ['3', "There is no exercise '3'; there are 1 (orders), 2 (cart)."],
    ['x', "There is no exercise 'x'; there are 1 (orders), 2 (cart)."],
    ['ing', "'ing' could be exercise 1 (orders) or 2 (cart)."],
  ])('says what there is when %j is asked for', (wanted, message) => {
    expect(() => find(wanted)).toThrow(new UserError(message));
  });
});

it('onlyOne says so when there is nothing at all', () => {
  const words = { several: 'could be', none: 'has' };

  expect(() => onlyOne([], ['one', 'two'], String, words)).toThrow('has one, two.');
  expect(onlyOne(['one'], ['one', 'two'], String, words)).toBe('one');
});
