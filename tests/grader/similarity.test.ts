import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { copiesSolution } from '../../grader/classroom/similarity.ts';
import { findExercises } from '../../grader/exercises.ts';

const EXERCISES = findExercises('orders');

/** The notes on a file that holds this. */
async function notesOn(text: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'workbook-similarity-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const orders = join(folder, 'orders.ts');
  writeFileSync(orders, text);
  const nothing = { zipped: {}, refused: {}, instead: [], handedIn: undefined, notes: [] };
  return copiesSolution({ student: 'ann', files: { orders }, ...nothing }, EXERCISES);
}

it.each([
  ['brackets', '['.repeat(200_000) + ']'.repeat(200_000)],
  ['signs', `let a = ${'!'.repeat(400_000)}1;`],
  ['a syntax error', 'export function ('],
])('%s that no parser survives cost nobody else the note', { timeout: 60_000 }, async (_, text) => {
  const solution = `export * from '../solutions/01-x/orders.ts';`;

  const [broken, next] = await Promise.all([notesOn(text), notesOn(solution)]);
  const { solution: file } = EXERCISES[0] ?? { solution: '' };
  const copied = await copiesSolution(
    {
      ...{ student: 'bob', files: { orders: file }, zipped: {}, refused: {}, instead: [] },
      ...{ handedIn: undefined, notes: [] },
    },
    EXERCISES,
  );

  expect(broken).toEqual([]);
  expect(next).toEqual(['orders.ts names the solutions']);
  expect(copied.join()).toContain('is like the solution (100 %)');
});
