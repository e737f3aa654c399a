import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { temporaryFolder } from '../../system/process/temporary-folder.ts';
import { UserError } from '../../system/process/user-error.ts';
import { print } from '../../system/terminal/print.ts';
import { type Exercise, findExercises } from '../exercises.ts';
import { ClassProgress } from './class-progress.ts';
import { classSummary } from './class-summary.ts';
import { containersOf, onThisMachine } from './container.ts';
import { GradeBook, readRecords, readRun } from './grade-book.ts';
import { gradeClass } from './grade-class.ts';
import { chooseIsolation } from './isolation/choose-isolation.ts';
import { describePairs } from './similarity.ts';
import { findSubmissions } from './submissions.ts';

const USUAL_OUT = 'grades';
const USUAL_LIMIT_SECONDS = 300;

/** The options of a class run, each with a value. */
export const CLASS_OPTIONS = ['class', 'out', 'jobs', 'limit', 'shard', 'docker'] as const;

export interface ClassArguments {
  readonly value: (option: (typeof CLASS_OPTIONS)[number]) => string | undefined;
  /** The folders whose results are to be joined. */
  readonly merge: readonly string[] | undefined;
  /** The exercises that were named, as `1,2`. */
  readonly wanted: string | undefined;
  readonly seed: number;
  readonly has: (flag: 'resume' | 'similar') => boolean;
}

/** `npm run grade -- --class DIR`, and what belongs to it. The exit code is 0 when every student has a row. */
export async function gradeClassCommand(
  { value, merge, wanted, seed, has }: ClassArguments,
  lifetime: Lifetime,
): Promise<number> {
  const out = resolve(value('out') ?? USUAL_OUT);
  if (merge) return mergeShards(merge, out);

  const folder = resolve(value('class') ?? '');
  if (!existsSync(folder)) throw new UserError(`There is no folder ${folder}.`);
  const jobs = wholeNumber('--jobs', value('jobs'), availableParallelism());
  const limitMs = limitOf(value('limit'));
  const image = value('docker');
  const resume = has('resume');
  const launch = image ? await containersOf(image) : onThisMachine;
  const exercises = resume ? exercisesOf(out, wanted) : findExercises(wanted);
  const unpacked = temporaryFolder('redis-streams-unpacked-');
  lifetime.atEnd(unpacked.remove);
  const all = await findSubmissions(folder, exercises, out, unpacked.path);
  const submissions = shardOf(all, value('shard'));
  const book = resume ? GradeBook.resume(out) : GradeBook.begin(out, { seed, exercises });
  print(
    `${submissions.length} students, ${jobs} at a time, the same data for all (seed ${book.run.seed}).`,
  );
  print(`Exercises: ${namesOf(exercises)}`);
  print(`Results as they come: ${join(out, 'grades.csv')}`);
  print(`Protection: ${await protection(image)}\n`);

  lifetime.atEnd(() => {
    if (!lifetime.signal.aborted) return;
    const count = book.records.length;
    print(`\nInterrupted: ${count} have been graded. The same again with --resume goes on.`);
  });
  const progress = new ClassProgress(submissions.length, book.records.length);
  await gradeClass(submissions, book, { jobs, limitMs, launch, progress }, lifetime);
  progress.clear();
  if (lifetime.signal.aborted) return 1;
  print(classSummary(book.records, exercises));
  if (has('similar')) print(`\n${await describePairs(all, exercises)}`);
  return 0;
}

/** What keeps submissions from the rest of the machine, in a line. */
async function protection(image: string | undefined): Promise<string> {
  if (image) {
    return `each submission runs in a container of ${image}, with no network and no files of yours.`;
  }
  const folder = temporaryFolder('redis-streams-probe-');
  const isolation = await chooseIsolation(folder.path);
  folder.remove();
  return (
    isolation?.description ?? 'none but processes of their own. Submissions can do what you can.'
  );
}

/** The exercises that an interrupted run is about. */
function exercisesOf(out: string, wanted: string | undefined): readonly Exercise[] {
  const { exercises } = readRun(out);
  if (wanted === undefined || namesOf(findExercises(wanted)) === namesOf(exercises)) {
    return exercises;
  }
  throw new UserError(
    `${out} holds the results of a run about ${namesOf(exercises)}, which --resume goes on with. For ${wanted}, name another folder with --out.`,
  );
}

function namesOf(exercises: readonly Exercise[]): string {
  return exercises.map(({ name }) => name).join(', ');
}

function mergeShards(folders: readonly string[], out: string): number {
  const runs = folders.map(readRun);
  const [first] = runs;
  if (!first) {
    throw new UserError('Which folders? Such as: npm run grade -- --merge A B --out TOGETHER');
  }
  const seeds = new Set(runs.map(({ seed }) => seed));
  if (seeds.size > 1) {
    throw new UserError(
      `These runs were graded with different seeds (${[...seeds].join(', ')}). Grade all shards with the same --seed.`,
    );
  }
  const kinds = new Set(runs.map(({ exercises }) => namesOf(exercises)));
  if (kinds.size > 1) {
    throw new UserError(`These runs are about different exercises: ${[...kinds].join('; ')}.`);
  }
  const book = GradeBook.begin(out, first);
  for (const folder of folders) for (const record of readRecords(folder)) book.enter(record);
  print(classSummary(book.records, first.exercises));
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

/** How long one student's work may take, in milliseconds: `--limit` is in seconds. */
export function limitOf(text: string | undefined): number {
  return wholeNumber('--limit', text, USUAL_LIMIT_SECONDS) * 1000;
}

function wholeNumber(option: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new UserError(`${option} is a whole number, 1 or more, not '${text}'.`);
}
