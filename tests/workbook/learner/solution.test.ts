import { describe, expect, it, vi } from 'vitest';
import { findExercise } from '../../../grader/exercises.ts';
import { solutionDiff, unifiedDiff } from '../../../workbook/learner/solution.ts';

vi.mock('../../../system/terminal/colour.ts', () => {
  const named = (name: string) => (text: string) => `<${name}>${text}`;
  return { colour: { green: named('green'), red: named('red'), dim: named('dim') } };
});

const lines = (count: number) => Array.from({ length: count }, (_, at) => `line ${at + 1}\n`);
const diff = (mine: string, theirs: string) =>
  unifiedDiff({ name: 'mine.ts', text: mine }, { name: 'theirs.ts', text: theirs }).split('\n');

describe('the diff', () => {
  it('has what differs in colour, with three lines around it, and says where it is', () => {
    const mine = lines(20);
    const theirs = mine.with(9, 'changed\n').toSpliced(15, 1);

    expect(diff(mine.join(''), theirs.join(''))).toEqual([
      '<red>--- mine.ts',
      '<green>+++ theirs.ts',
      '<dim>@@ -7,13 +7,12 @@',
      ...[' line 7', ' line 8', ' line 9', '<red>-line 10', '<green>+changed'],
      ...[' line 11', ' line 12', ' line 13', ' line 14', ' line 15', '<red>-line 16'],
      ...[' line 17', ' line 18', ' line 19'],
    ]);
  });

  it('leaves out what is far from any change', () => {
    const mine = lines(40);

    const shown = diff(mine.join(''), mine.with(0, 'first\n').with(39, 'last\n').join(''));

    expect(shown.filter((line) => line.startsWith('<dim>@@'))).toHaveLength(2);
    expect(shown).not.toContain(' line 20');
  });

  it('takes the line ends of Windows for what they are', () => {
    expect(diff('a\r\nb\r\n', 'a\nb\n')).toEqual(['mine.ts and theirs.ts are the same.']);
  });

  it('shows control characters as dots, and says when the last line has no end', () => {
    const shown = diff('', 'a\tb\u001b[2J');

    expect(shown.slice(-2)).toEqual(['<green>+a  b·[2J', '<dim>\\ No newline at end of file']);
  });
});

it('says how a missing file comes back', () => {
  const exercise = { ...findExercise('orders'), file: '/nowhere/orders.ts' };

  expect(() => solutionDiff(exercise)).toThrow('npm run reset orders');
});
