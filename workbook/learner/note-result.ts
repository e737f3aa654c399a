import type { ExerciseResult } from '../../grader/result.ts';
import { celebration } from './overview.ts';
import { noteGraded, readProgress } from './progress.ts';
import { readStandings } from './standing.ts';

/** Notes what a learner's file has earned. Returns a few words for the moment in which the last requirement passes. */
export async function noteResult({
  exercise,
  results,
}: ExerciseResult): Promise<string | undefined> {
  const solvedBefore = standing(exercise.name)?.solved;
  const outcomes = results.map(({ requirement, verdict }) => [
    requirement.id,
    verdict.status === 'passed',
  ]);
  await noteGraded(exercise.name, Object.fromEntries(outcomes));
  const now = standing(exercise.name);
  if (!now?.solved || solvedBefore) return undefined;
  return celebration(now, readStandings(readProgress()));
}

function standing(name: string) {
  return readStandings(readProgress()).find(({ exercise }) => exercise.name === name);
}
