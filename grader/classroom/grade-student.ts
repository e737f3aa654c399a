import { performance } from 'node:perf_hooks';
import { errorMessage } from '../../system/process/user-error.ts';
import type { Exercise } from '../exercises.ts';
import type { NumberedRequirement } from '../requirement.ts';
import type { RequirementResult } from '../result.ts';
import type { ClassSubmission } from './find-submission.ts';
import type { Graded, GradingProcess } from './grading-process.ts';
import type { Run } from './run-file.ts';
import { recordOf, type StudentRecord } from './student-record.ts';

/** One requirement of an exercise. */
export interface OneRequirement {
  readonly exercise: Exercise;
  readonly requirement: NumberedRequirement;
}

/** What a submission does to the grader is that submission's trouble, and no other's. */
export async function gradeStudent(
  worker: GradingProcess | undefined,
  submission: ClassSubmission,
  digest: string,
  { seed, exercises }: Run,
  limitMs: number,
): Promise<StudentRecord> {
  const started = performance.now();
  const graded = worker && (await gradeFiles(worker, submission.files, seed, limitMs));
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  return recordOf(submission, graded ?? { results: [] }, exercises, { seed, seconds, digest });
}

/** Grades one requirement alone, in the file that a student has handed in for it. */
export async function gradeRequirement(
  worker: GradingProcess,
  file: string,
  { exercise, requirement }: OneRequirement,
  seed: number,
  limitMs: number,
): Promise<RequirementResult> {
  const files = { [exercise.name]: file };
  const { results, stopped } = await gradeFiles(worker, files, seed, limitMs, requirement.id);
  const happened = stopped ?? 'it was not graded';
  const [result] = results.flatMap((one) => one.results);
  return result ?? { requirement, verdict: { status: 'timed out', happened }, milliseconds: 0 };
}

function gradeFiles(
  worker: GradingProcess,
  files: ClassSubmission['files'],
  seed: number,
  limitMs: number,
  only?: string,
): Promise<Graded> {
  return worker.grade(files, seed, limitMs, only).catch((error) => ({
    results: [],
    stopped: `it could not be graded: ${errorMessage(error)}`,
  }));
}
