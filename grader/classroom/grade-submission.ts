import { existsSync } from 'node:fs';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import type { Exercise } from '../exercises.ts';
import type { ExerciseResult } from '../result.ts';
import { AT_ONCE } from '../session.ts';
import { onThisMachine } from './container.ts';
import { gradeStudent } from './grade-class.ts';
import { GradingProcess } from './grading-process.ts';
import { raiseWalls } from './isolation/raise-walls.ts';
import type { Wall } from './isolation/walls.ts';
import { findSubmission } from './submissions.ts';

/**
 * Grades what one student has handed in, for a system that calls the grader once for each: as in a class run, so that there are
 * results for every requirement when the time is up, too.
 *
 * @param folder holds the files, at any depth
 * @param wanted the walls that were asked for; without it, the best that there are
 * @throws UserError when there is no such folder, or no such wall
 */
export async function gradeSubmission(
  folder: string,
  exercises: readonly Exercise[],
  seed: number,
  limitMs: number,
  lifetime: Lifetime,
  wanted?: Wall,
): Promise<ExerciseResult[]> {
  if (!existsSync(folder)) throw new UserError(`There is no folder ${folder}.`);
  const submission = findSubmission(folder, 'submission', exercises);
  const isEmpty = Object.keys(submission.files).length === 0;
  const launch = isEmpty ? undefined : onThisMachine((await raiseWalls(wanted)).wall);
  const worker = launch && new GradingProcess(launch, AT_ONCE);
  lifetime.atEnd(() => worker?.kill());
  const record = await gradeStudent(worker, submission, '', { seed, exercises }, limitMs);
  await worker?.stop();
  return exercises.map((exercise, index) => {
    const { results = [], typeProblems = [], file } = record.exercises[index] ?? {};
    return { exercise, file: file ?? exercise.fileName, results, typeProblems };
  });
}
