import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { gradeClassCommand } from '../../grader/classroom/class-command.ts';
import { CLASS_FLAGS, CLASS_OPTIONS, limitOf } from '../../grader/classroom/class-options.ts';
import { gradeSubmission } from '../../grader/classroom/grade-submission.ts';
import { readWall } from '../../grader/classroom/isolation/walls.ts';
import {
  checkResultFiles,
  FORMATS,
  writeResultFiles,
} from '../../grader/classroom/results/write-files.ts';
import { findExercises, findRequirement } from '../../grader/exercises.ts';
import { GradingProgress } from '../../grader/report/grading-progress.ts';
import { reportExercise, reportTotal } from '../../grader/report/terminal.ts';
import { allPassed, type ExerciseResult } from '../../grader/result.ts';
import { type Job, Session } from '../../grader/session.ts';
import { commandArguments } from '../../system/arguments.ts';
import { SOLUTIONS } from '../../system/paths.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { print } from '../../system/terminal/print.ts';
import { noteResult } from '../learner/note-result.ts';
import { NO_SOLUTIONS } from '../learner/solution.ts';
import { gradeOnSave } from '../work-mode/grade-on-save.ts';

const USAGE = [
  'npm run grade                          grades all exercises',
  'npm run grade orders                   one exercise, by name or number',
  'npm run grade orders 3                 one requirement of it',
  'npm run grade orders -- --watch        ... and again whenever the file is saved',
  'npm run grade orders -- --watch --poll ... where file events do not arrive',
  'npm run grade -- --all                 everything that failed, in full',
  'npm run grade -- --solutions           grades the solutions',
  'npm run grade orders -- --file FILE    grades another file',
  'npm run grade -- --json FILE --junit FILE --gradescope FILE --classroom50 FILE --seed NUMBER',
  'npm run grade -- --submission FOLDER   what one student has handed in, as in a class',
  'npm run grade -- --class FOLDER        a class: a folder or zip for each student',
  'npm run grade 1,2 -- --class FOLDER    ... on these exercises only',
  '  --out RESULTS --jobs NUMBER --limit SECONDS --docker IMAGE --similar',
  '  --walls sandbox                      ... shut in, or not at all',
  '  --resume                             goes on where it was interrupted',
  '  --student NAME                       grades one student, again if need be',
  '  --keep best                          ... and keeps the better of two results',
  '  --due 2026-11-30T23:59               says how late each student was',
  '  --html FILE --no-points              a page of the class; without points',
  '  --shard 2/4                          a quarter of the class, on one of four machines',
  'npm run grade -- --merge A B --out C   joins what these have written (--html, --due)',
  'npm run grade orders 13 -- --class FOLDER --out RESULTS',
  '                                       one requirement again, in results that are there',
];

const FLAGS = ['watch', 'poll', 'all', 'solutions', 'merge', ...CLASS_FLAGS] as const;
const OPTIONS = ['file', 'seed', ...CLASS_OPTIONS, 'submission', ...FORMATS] as const;

/** What goes with what; the first word names the kind of run. */
const KINDS: readonly (readonly string[])[] = [
  ['merge', 'out', 'due', 'html', 'no-points'],
  ['class', 'seed', ...CLASS_OPTIONS, ...CLASS_FLAGS],
  ['submission', 'limit', 'walls', 'seed', 'all', ...FORMATS],
];
const USUAL = ['file', 'solutions', 'watch', 'poll', 'seed', 'all', ...FORMATS];

export const command: Command = async (lifetime, typed) => {
  const { positionals, words, has, value } = commandArguments(typed, {
    usage: USAGE,
    flags: FLAGS,
    options: OPTIONS,
  });
  const chosen = new Set<string>([
    ...FLAGS.filter(has),
    ...OPTIONS.filter((option) => value(option) !== undefined),
  ]);
  refuseMixtures(chosen);
  const seed = readSeed(value('seed'));
  const merge = has('merge') ? positionals : undefined;
  const [wanted, number] = merge ? [] : words(0, 2);
  if (number !== undefined && chosen.has('submission')) {
    throw new UserError(
      `A submission is graded on whole exercises, not on requirement ${number} alone. Several exercises: npm run grade 1,2 -- ...`,
    );
  }
  if (chosen.has('class') || merge) {
    const hasSeed = chosen.has('seed');
    const about = { merge, wanted, requirement: number, seed, hasSeed };
    return gradeClassCommand({ value, has, ...about }, lifetime);
  }
  checkResultFiles(value);
  /** Returns whether everything has passed. */
  const report = (results: readonly ExerciseResult[]): boolean => {
    for (const result of results) print(`${reportExercise(result, has('all'))}\n`);
    if (results.length > 1) print(reportTotal(results, seed));
    writeResultFiles(results, seed, value);
    return allPassed(results);
  };
  const exercises = findExercises(wanted);
  const submission = value('submission');
  if (submission !== undefined) {
    const limitMs = limitOf(value('limit'));
    const folder = resolve(submission);
    const wall = readWall(value('walls'));
    const graded = await gradeSubmission(folder, exercises, seed, limitMs, lifetime, wall);
    if (graded.nothing === undefined) return report(graded.results) ? 0 : 1;
    // Whoever asked for a file of results waits for one.
    writeResultFiles(graded.results, seed, value);
    throw new UserError(graded.nothing);
  }
  if (has('solutions') && !existsSync(SOLUTIONS)) throw new UserError(NO_SOLUTIONS);
  const file = value('file');
  if (file && exercises.length !== 1) {
    throw new UserError(
      '--file needs the name of one exercise: npm run grade orders -- --file FILE',
    );
  }
  if (file && !existsSync(file)) throw new UserError(`There is no file ${resolve(file)}.`);
  const jobs = exercises.map(
    (exercise): Job => ({
      exercise,
      file: file ? resolve(file) : has('solutions') ? exercise.solution : exercise.file,
      wanted: number === undefined ? exercise.requirements : [findRequirement(exercise, number)],
    }),
  );

  const session = await Session.open(lifetime);
  const gradeAndReport = async (): Promise<boolean> => {
    const progress = new GradingProgress();
    const results = await session.grade(jobs, seed, ({ exercise, wanted }) =>
      progress.count(exercise, wanted.length),
    );
    progress.clear();
    const passed = report(results);
    await noteAndCelebrate(results);
    return passed;
  };

  if (!has('watch')) return (await gradeAndReport()) ? 0 : 1;
  lifetime.endWithCtrlC();
  const files = jobs.map(({ file }) => file);
  await gradeOnSave(files, has('poll'), gradeAndReport, () => session.warmUp(), lifetime);
  return 0;
};

/** @throws UserError for options that would have no effect together */
function refuseMixtures(chosen: ReadonlySet<string>): void {
  const kind = KINDS.find(([first = '']) => chosen.has(first));
  const stray = [...chosen].find((option) => !(kind ?? USUAL).includes(option));
  if (stray === undefined) return;
  const belongsTo = KINDS.filter((options) => options.some((option) => option === stray)).map(
    ([first]) => `--${first}`,
  );
  throw new UserError(
    kind
      ? `--${stray} and --${kind[0]} do not go together.`
      : `--${stray} belongs to ${belongsTo.join(' or ')}.\n${USAGE.join('\n')}`,
  );
}

/** What the learner's own files have earned goes on record. */
async function noteAndCelebrate(results: readonly ExerciseResult[]): Promise<void> {
  for (const result of results.filter(({ exercise, file }) => file === exercise.file)) {
    const news = await noteResult(result);
    if (news) print(`\n${news}`);
  }
}

function readSeed(text: string | undefined): number {
  if (text === undefined) return Math.floor(Math.random() * 1_000_000);
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UserError(`The seed is a whole number of up to nine digits, not '${text}'.`);
}
