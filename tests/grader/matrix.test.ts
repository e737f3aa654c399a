import { describe, expect, it } from 'vitest';
import { findExercise } from '../../grader/exercises.ts';
import { readBase } from '../support/base.ts';
import { failed, type Graded, gradeAll } from '../support/grading.ts';
import { EXERCISES, representative, rightOnes, wrongOnes } from './submissions.ts';

// Is the grader fair, and is it sharp? Correct submissions in all styles get full points; each wrong one fails exactly
// the requirements that it should. That takes a while, so that usually a part of the wrong ones is graded, and they
// on the requirements that they fail and on some others: `WORKBOOK_ALL_WRONG=1 npm test` leaves nothing out.

const PATIENCE = { timeout: process.env.WORKBOOK_ALL_WRONG ? 900_000 : 400_000 };
const AT_LEAST = 21;

/** Two requirements that should pass, others for each submission. */
function others(ids: readonly string[], fails: readonly string[], index: number): string[] {
  const pass = ids.filter((id) => !fails.includes(id));
  return [0, 1].flatMap((step) => pass[(index + step * 5) % pass.length] ?? []);
}

/** What came of each requirement, for the message of a test that fails. */
function told(graded: readonly Graded[]): string {
  return graded.map(({ id, happened }) => `${id}: ${happened ?? 'passed'}`).join('\n');
}

describe.each(EXERCISES)('%s', (exercise) => {
  const { fileName, requirements } = findExercise(exercise);
  const styles = rightOnes(exercise);
  const right = [{ name: 'base', code: readBase(exercise) }, ...styles];
  const all = wrongOnes(exercise);
  const ids = requirements.map(({ id }) => id);
  const wrong = process.env.WORKBOOK_ALL_WRONG ? all : representative(all, ids, AT_LEAST);
  const partly = wrong.map((one, index) => ({
    ...one,
    only: [...one.fails, ...others(ids, one.fails, index)],
  }));
  const submissions = [...right, ...(process.env.WORKBOOK_ALL_WRONG ? wrong : partly)];
  let batch: ReturnType<typeof gradeAll> | undefined;
  // Not before the first test asks: each of these batches keeps the machine busy.
  const grading = () => {
    batch ??= gradeAll(exercise, fileName, submissions);
    return batch;
  };

  it.each(right)('accepts the style $name', PATIENCE, async ({ name }) => {
    const { results } = await grading();

    const graded = results.get(name) ?? [];
    expect(graded).toHaveLength(requirements.length);
    const trouble = graded.filter(({ status }) => status !== 'passed');
    expect(trouble.map(({ id, happened }) => `${id}: ${happened}`)).toEqual([]);
  });

  it.each(wrong)('sees that $name is wrong', PATIENCE, async (one) => {
    const { name, fails, mayFail = [] } = one;
    const { results } = await grading();
    let graded = results.get(name) ?? [];
    const found = () => failed(graded).filter((id) => !mayFail.includes(id));

    expect(found(), told(graded)).toEqual(expect.arrayContaining([...fails]));
    // A mistake is a matter of who is quicker, here and there: what it is blamed for beside its own has to show again.
    if (found().length > fails.length) {
      graded = (await gradeAll(exercise, fileName, [one])).results.get(name) ?? [];
    }
    expect(found().toSorted(), told(graded)).toEqual(fails.toSorted());
  });

  it('leaves no process behind', PATIENCE, async () => {
    expect((await grading()).survivors).toEqual([]);
  });

  it.each(requirements)('has two wrong submissions that fail $id', ({ id }) => {
    expect(wrong.filter(({ fails }) => fails.includes(id)).length).toBeGreaterThanOrEqual(2);
  });

  it('has six correct ones in other styles than the base', () => {
    expect(styles.length).toBeGreaterThanOrEqual(6);
  });
});
