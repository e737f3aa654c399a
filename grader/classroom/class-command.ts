import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ROOT } from '../../system/paths.ts';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { temporaryFolder } from '../../system/process/temporary-folder.ts';
import { print } from '../../system/terminal/print.ts';
import { type ClassArguments, type ClassOptions, readClassOptions } from './class-options.ts';
import { findStudent, planOf, shardOf } from './class-plan.ts';
import { ClassProgress } from './class-progress.ts';
import { classSummary } from './class-summary.ts';
import { containersOf, onThisMachine } from './container.ts';
import { GradeBook } from './grade-book.ts';
import { gradeClass, tasksFor } from './grade-class.ts';
import { quoted } from './isolation/other-user.ts';
import { raiseWalls, type Walls } from './isolation/raise-walls.ts';
import { mergeShards } from './merge-shards.ts';
import { writePage } from './page/write-page.ts';
import { namesOf } from './run-file.ts';
import { describePairs } from './similarity.ts';
import { findSubmissions } from './submissions.ts';

/** `npm run grade -- --class DIR`, and what belongs to it. The exit code is 0 when every student has a row. */
export async function gradeClassCommand(
  typed: ClassArguments,
  lifetime: Lifetime,
): Promise<number> {
  const options = readClassOptions(typed);
  const { out, jobs, limitMs, keep, due, page } = options;
  if (typed.merge) {
    const book = mergeShards(typed.merge, out, due);
    print(classSummary(book.records, book.run.exercises));
    print(`\nTogether in ${join(out, 'grades.csv')}`);
    if (page) showPage(book, page);
    return 0;
  }

  const image = typed.value('docker');
  const wantedStudent = typed.value('student');
  const { run, hasBegun, only } = planOf(typed, options);
  const unpacked = temporaryFolder('redis-streams-unpacked-');
  lifetime.atEnd(unpacked.remove);
  const folder = resolve(typed.value('class') ?? '');
  const all = await findSubmissions(folder, run.exercises, out, unpacked.path);
  const student = wantedStudent === undefined ? undefined : findStudent(all, wantedStudent);
  const part = student ? all.filter((one) => one.student === student) : shardOf(all, options.shard);
  const walls = image ? undefined : await raiseWalls(options.wall);
  const launch = walls ? onThisMachine(walls.wall) : await containersOf(image ?? '');

  const book = hasBegun ? GradeBook.resume(out, due) : GradeBook.begin(out, run);
  const tasks = tasksFor(part, book, { student, only });
  print(`${part.length} students, ${jobs} at a time, the same data for all (seed ${run.seed}).`);
  print(`Exercises: ${namesOf(run)}`);
  if (only) print(`Only requirement ${only.requirement.number} of ${only.exercise.name}, again.`);
  print(`Results as they come: ${join(out, 'grades.csv')}`);
  print(
    `Protection: ${walls?.description ?? `each submission runs in a container of ${image}, with no network and no files of yours.`}`,
  );
  if (walls) await warnOfReadable(walls, [folder, out]);
  print('');

  const before = part.length - tasks.length;
  const progress = new ClassProgress(part.length, before);
  lifetime.atEnd(() => {
    if (!lifetime.signal.aborted) return;
    book.log.add('interrupted');
    print(
      `\nInterrupted: ${progress.done} have been graded. The same again with --resume goes on.`,
    );
  });
  await gradeClass(tasks, book, { jobs, limitMs, launch, progress, keep }, lifetime);
  progress.clear();
  if (lifetime.signal.aborted) return 1;
  book.log.add(`done: ${tasks.length} graded, ${book.records.length} in all`);
  print(classSummary(book.records, run.exercises));
  if (page) showPage(book, page);
  if (typed.has('similar')) print(`\n${await describePairs(all, run.exercises)}`);
  return 0;
}

function showPage(book: GradeBook, page: NonNullable<ClassOptions['page']>): void {
  writePage(book, page);
  print(`\nThe class on a page: ${page.file}`);
}

/** The solution can be read while a submission runs: it then has all points, and nothing in its file is alike. */
async function warnOfReadable(walls: Walls, folders: readonly string[]): Promise<void> {
  if (walls.wall !== 'user') return;
  const own = ['solutions', 'tests', '.git'].map((name) => join(ROOT, name)).filter(existsSync);
  const readable = await walls.readable([...own, ...folders]);
  if (readable.length === 0) return;
  print(`\nWarning: submissions can read these, as everybody can on this machine:`);
  for (const path of readable) print(`  ${path}`);
  print(`So they can read the solutions, each other, or the results. To shut them:`);
  print(`  chmod go= ${readable.map(quoted).join(' ')}`);
}
