import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { guardPath } from '../../workbook/process/guardian.ts';
import type { Lifetime } from '../../workbook/process/lifetime.ts';
import { UserError } from '../../workbook/process/user-error.ts';
import { print } from '../../workbook/terminal/print.ts';
import { type Exercise, readExercises } from '../catalogue.ts';
import { Sandbox } from '../supervisor/sandbox.ts';
import { GradeBook, readRecords, readSeed } from './grade-book.ts';
import { ClassProgress } from './progress.ts';
import { gradeClass } from './run.ts';
import { findSubmissions } from './submissions.ts';
import { classSummary } from './summary.ts';

const USUAL_OUT = 'grades';
const USUAL_LIMIT_SECONDS = 180;

/** What was typed. */
export interface ClassArguments {
  readonly class: string | undefined;
  readonly merge: readonly string[] | undefined;
  readonly out: string | undefined;
  readonly jobs: string | undefined;
  readonly limit: string | undefined;
  readonly shard: string | undefined;
  readonly seed: number;
  readonly resume: boolean;
}

/** `npm run grade -- --class DIR`, and what belongs to it. The exit code is 0 when every student has a row. */
export async function gradeClassCommand(args: ClassArguments, lifetime: Lifetime): Promise<number> {
  const exercises = readExercises();
  const out = resolve(args.out ?? USUAL_OUT);
  if (args.merge) return merge(args.merge, out, exercises);

  const folder = resolve(args.class ?? '');
  if (!existsSync(folder)) throw new UserError(`There is no folder ${folder}.`);
  const jobs = wholeNumber('--jobs', args.jobs, availableParallelism());
  const limitMs = wholeNumber('--limit', args.limit, USUAL_LIMIT_SECONDS) * 1000;
  const submissions = shardOf(findSubmissions(folder, exercises), args.shard);
  const book = args.resume
    ? GradeBook.resume(out, exercises)
    : GradeBook.begin(out, args.seed, exercises);
  print(
    `${submissions.length} students, ${jobs} at a time, the same data for all (seed ${book.seed}).`,
  );
  print(`Results as they come: ${join(out, 'grades.csv')}`);
  print(`${await protection()}\n`);

  const progress = new ClassProgress(submissions.length, book.records.length);
  await gradeClass(
    submissions,
    exercises,
    book,
    {
      jobs,
      limitMs,
      onStart: (student) => progress.start(student),
      onRecord: (record) => progress.done(record),
    },
    lifetime,
  );
  progress.clear();
  print(classSummary(book.records, exercises));
  return 0;
}

/** What keeps submissions from the rest of the machine. */
async function protection(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-streams-probe-'));
  const forget = guardPath(folder);
  const sandbox = await Sandbox.open(folder);
  rmSync(folder, { recursive: true, force: true });
  forget();
  return sandbox instanceof Sandbox
    ? 'Protection: each submission is shut in, with no network, no files of yours, and nothing to write to.'
    : `Protection: none but processes of their own. Submissions can do what you can (${sandbox.reason}).`;
}

function merge(folders: readonly string[], out: string, exercises: readonly Exercise[]): number {
  const seeds = new Set(folders.map(readSeed));
  const [seed] = seeds;
  if (seed === undefined || seeds.size > 1) {
    throw new UserError(
      `These runs were graded with different seeds (${[...seeds].join(', ')}). Grade all shards with the same --seed.`,
    );
  }
  const book = GradeBook.begin(out, seed, exercises);
  for (const folder of folders) for (const record of readRecords(folder)) book.enter(record);
  print(classSummary(book.records, exercises));
  print(`\nTogether in ${join(out, 'grades.csv')}`);
  return 0;
}

/** Every so many-th student: of `2/4`, the second quarter, and the same in every run. */
function shardOf<Submission>(all: readonly Submission[], shard: string | undefined): Submission[] {
  if (shard === undefined) return [...all];
  const [, part = '', of = ''] = /^(\d+)\/(\d+)$/.exec(shard) ?? [];
  const [number, count] = [Number(part), Number(of)];
  if (!(number >= 1 && number <= count)) {
    throw new UserError(`--shard is a part of a number of parts, such as 2/4, not '${shard}'.`);
  }
  return all.filter((_, index) => index % count === number - 1);
}

function wholeNumber(option: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new UserError(`${option} is a whole number, 1 or more, not '${text}'.`);
}
