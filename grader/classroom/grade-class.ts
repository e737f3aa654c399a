import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Lifetime } from '../../system/process/lifetime.ts';
import type { ClassProgress } from './class-progress.ts';
import type { ClassSubmission } from './find-submission.ts';
import type { GradeBook } from './grade-book.ts';
import { gradeRequirement, gradeStudent, type OneRequirement } from './grade-student.ts';
import { GradingProcess, type Launch } from './grading-process.ts';
import { type Keep, keepOf, withRequirement } from './keep.ts';
import { ownFiles } from './own-files.ts';
import { copiesSolution } from './similarity.ts';
import type { StudentRecord } from './student-record.ts';

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
  /** Of a student who has been graded before. */
  readonly keep: Keep;
}

/** What is to be graded again although it has been graded before. */
export interface Again {
  /** This student's work, whatever is on record of it. */
  readonly student?: string | undefined;
  /** This requirement alone, for those whose files are the same as before. */
  readonly only?: OneRequirement | undefined;
}

/** A student whom a run has to do something for. */
export interface Task {
  readonly submission: ClassSubmission;
  readonly digest: string;
  /** The one requirement that is graded; without it, everything is. */
  readonly only?: OneRequirement | undefined;
}

/**
 * Who is to be graded: those who are not in the book, or with other files; and whoever is to be graded again. Of those, it is
 * one requirement alone only where the book has the others for the same files.
 */
export function tasksFor(
  submissions: readonly ClassSubmission[],
  book: GradeBook,
  { student, only }: Again,
): Task[] {
  return submissions.flatMap((submission): Task[] => {
    const digest = digestOf(submission);
    const task = { submission, digest };
    if (!book.find(submission.student, digest)) return [task];
    if (only) return submission.files[only.exercise.name] ? [{ ...task, only }] : [];
    return submission.student === student ? [task] : [];
  });
}

/** Grades a class, several students at a time. Each is entered in the book as soon as it is graded. */
export async function gradeClass(
  tasks: readonly Task[],
  book: GradeBook,
  options: RunOptions,
  lifetime: Lifetime,
): Promise<void> {
  const waiting = [...tasks];
  const { signal } = lifetime;

  const gradeNext = async (): Promise<void> => {
    let worker: GradingProcess | undefined;
    try {
      for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) {
        options.progress.start(next.submission.student);
        if (worker && (!worker.alive || worker.tasks >= STUDENTS_PER_PROCESS)) {
          void worker.stop();
          worker = undefined;
        }
        worker ??= new GradingProcess(options.launch, REQUIREMENTS_AT_ONCE);
        const record = await gradeTask(worker, next, book, options);
        if (signal.aborted) return;
        book.enter(record);
        options.progress.finish(record);
      }
    } finally {
      await (signal.aborted ? worker?.kill() : worker?.stop());
    }
  };
  const count = Math.min(options.jobs, waiting.length);
  await Promise.all(Array.from({ length: count }, gradeNext));
}

async function gradeTask(
  worker: GradingProcess,
  { submission, digest, only }: Task,
  book: GradeBook,
  { limitMs, keep }: RunOptions,
): Promise<StudentRecord> {
  const { exercises, seed } = book.run;
  const earlier = book.read(submission.student);
  const file = only && submission.files[only.exercise.name];
  if (only && earlier && file) {
    const result = await gradeRequirement(worker, file, only, seed, limitMs);
    return withRequirement(earlier, { exercise: only.exercise.name, result }, keep);
  }
  const copied = await copiesSolution(submission, exercises);
  const noted = { ...submission, notes: [...submission.notes, ...copied] };
  const now = await gradeStudent(worker, noted, digest, book.run, limitMs);
  return earlier ? keepOf(earlier, now, keep) : now;
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
