import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { Lifetime } from '../../workbook/process/lifetime.ts';
import type { Exercise } from '../catalogue.ts';
import type { GradeBook } from './grade-book.ts';
import { recordOf, type StudentRecord } from './record.ts';
import type { ClassSubmission } from './submissions.ts';
import { type Graded, Worker } from './worker.ts';

/** After so many students a worker is replaced by a new one, so that nothing can add up. */
const ORDERS_PER_WORKER = 25;

export interface RunOptions {
  /** How many students are graded at a time. */
  readonly jobs: number;
  /** How long one student's work may take, in milliseconds. */
  readonly limitMs: number;
  readonly onStart: (student: string) => void;
  readonly onRecord: (record: StudentRecord) => void;
}

/**
 * Grades a class, several students at a time. Each is entered in the book as soon as it is graded; those that the book has
 * already, with the same files, are left out.
 */
export async function gradeClass(
  submissions: readonly ClassSubmission[],
  exercises: readonly Exercise[],
  book: GradeBook,
  options: RunOptions,
  lifetime: Lifetime,
): Promise<void> {
  const waiting = submissions
    .map((submission) => ({ submission, digest: digestOf(submission) }))
    .filter(({ submission, digest }) => !book.find(submission.student, digest));
  const { signal } = lifetime;

  const gradeNext = async (): Promise<void> => {
    let worker: Worker | undefined;
    try {
      for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) {
        const { submission, digest } = next;
        options.onStart(submission.student);
        if (worker && (!worker.alive || worker.orders >= ORDERS_PER_WORKER)) {
          void worker.stop();
          worker = undefined;
        }
        worker ??= new Worker();
        const started = performance.now();
        const graded = await gradeOne(worker, submission, book.seed, options.limitMs);
        if (signal.aborted) return;
        const seconds = Math.round((performance.now() - started) / 100) / 10;
        const about = { seed: book.seed, seconds, digest };
        const record = recordOf(submission, graded, exercises, about);
        book.enter(record);
        options.onRecord(record);
      }
    } finally {
      await (signal.aborted ? worker?.kill() : worker?.stop());
    }
  };
  const count = Math.min(options.jobs, waiting.length);
  await Promise.all(Array.from({ length: count }, gradeNext));
}

async function gradeOne(
  worker: Worker,
  { student, files }: ClassSubmission,
  seed: number,
  limitMs: number,
): Promise<Graded | undefined> {
  if (Object.keys(files).length === 0) return undefined;
  return worker.grade({ student, files, seed }, limitMs);
}

/** Changes when a student hands in something else. */
function digestOf({ files }: ClassSubmission): string {
  const hash = createHash('sha256');
  for (const [name, file] of Object.entries(files))
    hash.update(name).update('\0').update(contents(file));
  return hash.digest('hex');
}

function contents(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0); // the grader says what is wrong with it
  }
}
