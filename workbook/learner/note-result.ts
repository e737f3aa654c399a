import type { ExerciseResult } from '../../grader/result.ts';
import { celebration } from './overview.ts';
import { noteGraded, readProgress } from './progress-file.ts';
import { readStandings, standingOf } from './standing.ts';

/**
 * Notes what a learner's file has earned. Returns a few words for the moment in which an exercise is solved.
 *
 * @param hasKeys whether there are keys for what comes next, or else commands
 */
export async function noteResult(
  { exercise, results }: ExerciseResult,
  hasKeys = false,
): Promise<string | undefined> {
  const before = standingOf(exercise, readProgress());
  const outcomes = results.map(({ requirement, verdict }) => [
    requirement.id,
    verdict.status === 'passed',
  ]);
  const all = results.length === exercise.requirements.length;
  await noteGraded(exercise.name, Object.fromEntries(outcomes), all);
  const progress = readProgress();
  const now = standingOf(exercise, progress);
  if (now.solved && !before.solved) {
    return celebration(now, readStandings(progress), hasKeys);
  }
  if (now.solved || now.open.length > 0 || before.open.length === 0) return undefined;
  if (hasKeys) return undefined;
  return `All requirements have passed, one by one. Now together: npm run grade ${exercise.name}`;
}
