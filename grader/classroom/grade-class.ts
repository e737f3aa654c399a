import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { errorMessage } from '../../system/process/user-error.ts';
import type { ClassProgress } from './class-progress.ts';
import type { ClassSubmission } from './find-submission.ts';
import type { GradeBook, Run } from './grade-book.ts';
import { GradingProcess, type Launch } from './grading-process.ts';
import { ownFiles } from './own-files.ts';
import { copiesSolution } from './similarity.ts';
import { recordOf, type StudentRecord } from './student-record.ts';

/** After so many students a worker is replaced by a new one, so that nothing can add up. */
const STUDENTS_PER_PROCESS = 25;

/** Several students keep the processors busy: the fewer processes for each, the less it costs to start them. */
const REQUIREMENTS_AT_ONCE = 2;

export interface RunOptions {
  /** How many students are graded at a time. */
  readonly jobs: number;
  /** How long one student's work may take, in milliseconds. */
  readonly limitMs: number;
  /** Starts the processes that grade. */
  readonly launch: Launch;
  readonly progress: ClassProgress;
}

/**
 * Grades a class, several students at a time. Each is entered in the book as soon as it is graded; those that the book has
 * already, with the same files, are left out.
 */
export async function gradeClass(
  submissions: readonly ClassSubmission[],
  book: GradeBook,
  options: RunOptions,
  lifetime: Lifetime,
): Promise<void> {
  const waiting = submissions
    .map((submission) => ({ submission, digest: digestOf(submission) }))
    .filter(({ submission, digest }) => !book.find(submission.student, digest));
  const { signal } = lifetime;

  const gradeNext = async (): Promise<void> => {
    let worker: GradingProcess | undefined;
    try {
      for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) {
        const { submission, digest } = next;
        options.progress.start(submission.student);
        if (worker && (!worker.alive || worker.tasks >= STUDENTS_PER_PROCESS)) {
          void worker.stop();
          worker = undefined;
        }
        worker ??= new GradingProcess(options.launch, REQUIREMENTS_AT_ONCE);
        const copied = await copiesSolution(submission, book.run.exercises);
        const noted = { ...submission, notes: [...submission.notes, ...copied] };
        const record = await gradeStudent(worker, noted, digest, book.run, options.limitMs);
        if (signal.aborted) return;
        book.enter(record);
        options.progress.done(record);
      }
    } finally {
      await (signal.aborted ? worker?.kill() : worker?.stop());
    }
  };
  const count = Math.min(options.jobs, waiting.length);
  await Promise.all(Array.from({ length: count }, gradeNext));
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
  const graded = await worker?.grade(submission.files, seed, limitMs).catch((error) => ({
    results: [],
    stopped: `it could not be graded: ${errorMessage(error)}`,
  }));
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  return recordOf(submission, graded ?? { results: [] }, exercises, { seed, seconds, digest });
}

/** Changes when a student hands in something else. */
function digestOf({ files, refused, instead }: ClassSubmission): string {
  const hash = createHash('sha256').update(Object.keys(refused).join()).update(instead.join());
  for (const [exercise, file] of Object.entries(files)) {
    for (const path of ownFiles(file)) {
      hash.update(exercise).update(path).update('\0');
      hash.update(readFileSync(join(dirname(file), path)));
    }
  }
  return hash.digest('hex');
}
