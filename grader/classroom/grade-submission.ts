import { existsSync } from 'node:fs';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { temporaryFolder } from '../../system/process/temporary-folder.ts';
import { UserError } from '../../system/process/user-error.ts';
import type { Exercise } from '../exercises.ts';
import type { ExerciseResult } from '../result.ts';
import { AT_ONCE } from '../session.ts';
import { onThisMachine } from './container.ts';
import { findSubmission, nothingToGrade } from './find-submission.ts';
import { gradeStudent } from './grade-student.ts';
import { GradingProcess } from './grading-process.ts';
import { raiseWalls } from './isolation/raise-walls.ts';
import type { Wall } from './isolation/walls.ts';

/**
 * Grades what one student has handed in, for a system that calls the grader once for each: as in a class run, so that there are
 * results for every requirement when the time is up, too.
 *
 * @param folder holds the files, at any depth
 * @param wanted the walls that were asked for; without it, the best that there are
 * @returns the results, and what to say when there was nothing to grade
 * @throws UserError when there is no such folder, or no such wall
 */
export async function gradeSubmission(
  folder: string,
  exercises: readonly Exercise[],
  seed: number,
  limitMs: number,
  lifetime: Lifetime,
  wanted?: Wall,
): Promise<{ readonly results: ExerciseResult[]; readonly nothing: string | undefined }> {
  if (!existsSync(folder)) throw new UserError(`There is no folder ${folder}.`);
  const unpacked = temporaryFolder('redis-streams-unpacked-');
  lifetime.atEnd(unpacked.remove);
  const submission = await findSubmission(folder, 'submission', exercises, unpacked.path);
  const { files, refused } = submission;
  const isEmpty = Object.keys(files).length === 0;
  const isNothing = isEmpty && Object.keys(refused).length === 0;
  const launch = isEmpty ? undefined : onThisMachine((await raiseWalls(wanted)).wall);
  const worker = launch && new GradingProcess(launch, AT_ONCE);
  lifetime.atEnd(() => worker?.kill());
  const record = await gradeStudent(worker, submission, '', { seed, exercises }, limitMs);
  await worker?.stop();
  const results = exercises.map((exercise, index) => {
    const { results = [], typeProblems = [], file } = record.exercises[index] ?? {};
    return { exercise, file: file ?? exercise.fileName, results, typeProblems };
  });
  return {
    results,
    nothing: isNothing ? nothingToGrade(folder, submission, exercises) : undefined,
  };
}
