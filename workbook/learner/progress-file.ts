import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { takeLock } from '../../system/lock.ts';
import { STATE, shownPath } from '../../system/paths.ts';
import { errorCode, errorMessage, fileSystemTrouble } from '../../system/process/user-error.ts';
import { printError } from '../../system/terminal/print.ts';
import { writeWhole } from '../../system/write-whole.ts';
import { timestamp } from './timestamp.ts';

/** One small file, which git ignores. */
export const PROGRESS_FILE = join(STATE, 'progress.json');

const VERSION = 1;
const LOCK_PATIENCE = { retries: 60, everyMs: 50 };

export interface ExerciseProgress {
  /** How each requirement came out when it was last graded, by its id. */
  readonly passed: Record<string, boolean>;
  /** Whether all of them have passed together, in one grading, and none has failed since. */
  readonly solved: boolean;
  /** How many hints were given for each requirement, by its id. */
  readonly hints: Record<string, number>;
}

export interface Progress {
  /** The numbers of the chapters that were played to their end. */
  readonly chapters: readonly number[];
  /** By the exercise's name. */
  readonly exercises: Readonly<Record<string, ExerciseProgress>>;
}

const NOTHING: Progress = { chapters: [], exercises: {} };

/** How far the learner has come. A file that makes no sense is set aside, with a word on standard error. */
export function readProgress(): Progress {
  try {
    return load();
  } catch (error) {
    printError(`Cannot read your progress, ${shownPath(PROGRESS_FILE)}: ${errorMessage(error)}`);
    return NOTHING;
  }
}

export function hasProgress(): boolean {
  return existsSync(PROGRESS_FILE);
}

/** What is known of one exercise, and nothing when nothing is. */
export function progressOf(progress: Progress, exercise: string): ExerciseProgress {
  return progress.exercises[exercise] ?? { passed: {}, solved: false, hints: {} };
}

/**
 * Changes what is on record, also while another command does the same. What cannot be written is told, and is no reason
 * to fail: the learner's work does not depend on it.
 */
export async function updateProgress(change: (progress: Progress) => Progress): Promise<void> {
  try {
    mkdirSync(STATE, { recursive: true });
    const lock = await takeLock(`${PROGRESS_FILE}.lock`, LOCK_PATIENCE);
    try {
      const progress = { version: VERSION, ...change(load()) };
      writeWhole(PROGRESS_FILE, `${JSON.stringify(progress, null, 2)}\n`);
    } finally {
      await lock.release();
    }
  } catch (error) {
    const trouble = fileSystemTrouble(error, `write ${shownPath(PROGRESS_FILE)}`);
    printError(`Your progress was not noted. ${errorMessage(trouble)}`);
  }
}

export function notePlayed(chapter: number): Promise<void> {
  return updateProgress((progress) => ({
    ...progress,
    chapters: [...new Set([...progress.chapters, chapter])].sort((a, b) => a - b),
  }));
}

/** Requirements of an exercise have been graded, `all` of them or some, and came out like this. */
export function noteGraded(
  exercise: string,
  passed: Record<string, boolean>,
  all: boolean,
): Promise<void> {
  const noneFailed = Object.values(passed).every((one) => one);
  return updateExercise(exercise, (known) => ({
    ...known,
    passed: { ...known.passed, ...passed },
    solved: noneFailed && (all || known.solved),
  }));
}

export function noteHints(exercise: string, id: string, count: number): Promise<void> {
  return updateExercise(exercise, (known) => ({
    ...known,
    hints: { ...known.hints, [id]: count },
  }));
}

/** Another file lies in the exercise now: what was graded before says nothing of it. */
export function forgetGraded(exercise: string): Promise<void> {
  return updateExercise(exercise, (known) => ({ ...known, passed: {}, solved: false }));
}

function updateExercise(
  exercise: string,
  change: (known: ExerciseProgress) => ExerciseProgress,
): Promise<void> {
  return updateProgress((progress) => {
    const changed = change(progressOf(progress, exercise));
    return { ...progress, exercises: { ...progress.exercises, [exercise]: changed } };
  });
}

/** @throws the system's error when there is a file that cannot be read, or not be set aside */
function load(): Progress {
  let text: string;
  try {
    text = readFileSync(PROGRESS_FILE, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return NOTHING;
    throw error;
  }
  const progress = parse(text);
  if (progress) return progress;
  const aside = join(STATE, `progress-${timestamp()}.unreadable.json`);
  try {
    renameSync(PROGRESS_FILE, aside);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error; // else another command was faster
  }
  printError(
    `${basename(PROGRESS_FILE)} was not written by this version of the workbook, or is damaged. ` +
      `It is kept as ${shownPath(aside)}; your progress is counted from the beginning.`,
  );
  return NOTHING;
}

function parse(text: string): Progress | undefined {
  try {
    const found: unknown = JSON.parse(text);
    if (!isRecord(found) || found.version !== VERSION) return undefined;
    const { chapters, exercises } = found;
    if (!Array.isArray(chapters) || !chapters.every(isCount)) return undefined;
    return isRecordOf(exercises, isExerciseProgress) ? { chapters, exercises } : undefined;
  } catch {
    return undefined;
  }
}

function isExerciseProgress(value: unknown): value is ExerciseProgress {
  if (!isRecord(value)) return false;
  const { passed, solved, hints } = value;
  return isRecordOf(passed, isBoolean) && isBoolean(solved) && isRecordOf(hints, isCount);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRecordOf<Value>(
  value: unknown,
  isValue: (one: unknown) => one is Value,
): value is Record<string, Value> {
  return isRecord(value) && Object.values(value).every(isValue);
}

const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isCount = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0;
