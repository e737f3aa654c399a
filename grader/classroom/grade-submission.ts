import { existsSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import type { Exercise } from '../exercises.ts';
import type { ExerciseResult } from '../result.ts';
import { AT_ONCE } from '../session.ts';
import { onThisMachine } from './container.ts';
import { GradingProcess } from './grading-process.ts';
import { recordOf } from './student-record.ts';
import { findSubmission } from './submissions.ts';

/**
 * Grades what one student has handed in, for a system that calls the grader once for each: as in a class run, so that there are
 * results for every requirement when the time is up, too.
 *
 * @param folder holds the files, at any depth
 * @throws UserError when there is no such folder
 */
export async function gradeSubmission(
  folder: string,
  exercises: readonly Exercise[],
  seed: number,
  limitMs: number,
  lifetime: Lifetime,
): Promise<ExerciseResult[]> {
  if (!existsSync(folder)) throw new UserError(`There is no folder ${folder}.`);
  const submission = findSubmission(folder, 'submission', exercises);
  const started = performance.now();
  const graded = await gradeFiles(submission.files, seed, limitMs, lifetime);
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const record = recordOf(submission, graded, exercises, { seed, seconds, digest: '' });
  return exercises.map((exercise, index) => {
    const { results = [], typeProblems = [], file } = record.exercises[index] ?? {};
    return { exercise, file: file ?? exercise.fileName, results, typeProblems };
  });
}

async function gradeFiles(
  files: Readonly<Record<string, string>>,
  seed: number,
  limitMs: number,
  lifetime: Lifetime,
) {
  if (Object.keys(files).length === 0) return undefined;
  const worker = new GradingProcess(onThisMachine, AT_ONCE);
  lifetime.atEnd(() => worker.kill());
  const graded = await worker.grade(files, seed, limitMs);
  await worker.stop();
  return graded;
}
