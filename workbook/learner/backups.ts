import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { extname, join } from 'node:path';
import type { Exercise } from '../../grader/exercises.ts';
import { STATE, shownPath } from '../../system/paths.ts';
import { errorCode, fileSystemTrouble, UserError } from '../../system/process/user-error.ts';
import { readText } from '../../system/read-text.ts';
import { writeWhole } from '../../system/write-whole.ts';
import { forgetGraded } from './progress-file.ts';
import { timestamp } from './timestamp.ts';

const BACKUPS = join(STATE, 'backups');

/** A copy of a learner's file, made before something else took its place. */
export interface Backup {
  readonly file: string;
  readonly savedAt: Date;
  readonly lines: number;
}

/** The copies of an exercise's file, newest first. */
export function readBackups(exercise: Exercise): Backup[] {
  const folder = join(BACKUPS, exercise.name);
  if (!existsSync(folder)) return [];
  const ending = extname(exercise.fileName);
  return (
    readdirSync(folder)
      .filter((name) => name.endsWith(ending))
      .sort()
      .reverse()
      .map((name) => join(folder, name))
      // An empty one is a name that was taken, and a copy that was never made.
      .filter((file) => statSync(file).size > 0)
      .map((file) => {
        const lines = readFileSync(file, 'utf8').trimEnd().split('\n').length;
        return { file, savedAt: statSync(file).mtime, lines };
      })
  );
}

/**
 * Puts `text` in the place of the learner's file, after copying that file. At every moment, also when the machine stops,
 * the learner's text is in its place or in a backup, and whole. What was graded before no longer counts.
 *
 * @returns the copy, or undefined when there was nothing to copy: no file, or one with that very text
 * @throws UserError when the copy or the new file cannot be written; the learner's file is then as it was
 */
export async function replaceFile(exercise: Exercise, text: string): Promise<string | undefined> {
  if (isThere(exercise.file, text)) return undefined;
  const backup = saveCopy(exercise);
  try {
    writeWhole(exercise.file, text);
  } catch (error) {
    throw fileSystemTrouble(error, `write ${shownPath(exercise.file)}`);
  }
  await forgetGraded(exercise.name);
  return backup;
}

/**
 * The text that an exercise begins with. It is kept beside the spec, for those who have changed their copy.
 *
 * @throws UserError when the exercise has none
 */
export function starterOf({ name, file, starter }: Exercise): string {
  return readText(
    starter,
    `The exercise ${name} has no starter to begin again with (${shownPath(starter)}). ` +
      `git restore ${shownPath(file)} brings back what was committed last.`,
  );
}

/** Whether a learner has not begun with an exercise. */
export function isUntouched(exercise: Exercise): boolean {
  return !existsSync(exercise.starter) || isThere(exercise.file, starterOf(exercise));
}

/**
 * Brings an exercise's starter back. Returns what became of the learner's file.
 *
 * @throws UserError when there is no starter, or nothing can be written; the learner's file is then as it was
 */
export async function beginAgain(exercise: Exercise): Promise<string> {
  const file = shownPath(exercise.file);
  const wasThere = existsSync(exercise.file);
  const backup = await replaceFile(exercise, starterOf(exercise));
  if (!wasThere) return `${file} was missing. It is the starter again.`;
  if (!backup) return `${file} is as it was at the beginning. Nothing was changed.`;
  return [
    `Your file is kept as  ${shownPath(backup)}`,
    `To bring it back:     npm run restore ${exercise.name}`,
    `${file} is the starter again.`,
  ].join('\n');
}

function saveCopy(exercise: Exercise): string | undefined {
  if (!existsSync(exercise.file)) return undefined;
  const folder = join(BACKUPS, exercise.name);
  try {
    mkdirSync(folder, { recursive: true });
    const copy = copyToFreeName(exercise.file, folder);
    if (readFileSync(copy).equals(readFileSync(exercise.file))) return copy;
  } catch (error) {
    throw fileSystemTrouble(error, `copy ${shownPath(exercise.file)} to ${shownPath(folder)}`);
  }
  throw new UserError(`The copy of ${shownPath(exercise.file)} is not whole. Nothing was changed.`);
}

/** Two copies within one second get different names, also when two commands make them. A copy is there as a whole, or not. */
function copyToFreeName(file: string, folder: string): string {
  const time = timestamp();
  for (let count = 1; ; count++) {
    const name = count === 1 ? time : `${time}_${count}`;
    const copy = join(folder, `${name}${extname(file)}`);
    const draft = `${copy}.${process.pid}.part`;
    try {
      // Empty, it only holds the name; nobody but the one who has made it puts a copy there.
      writeFileSync(copy, '', { flag: 'wx' });
      copyFileSync(file, draft);
      renameSync(draft, copy);
      return copy;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    } finally {
      rmSync(draft, { force: true });
    }
  }
}

function isThere(file: string, text: string): boolean {
  return existsSync(file) && readFileSync(file, 'utf8') === text;
}
