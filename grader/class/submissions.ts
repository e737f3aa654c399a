import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileSystemTrouble, UserError } from '../../workbook/process/user-error.ts';
import type { Exercise } from '../catalogue.ts';
import { entriesOf, isHidden, isTheirs, whyRefused } from './own-files.ts';

const DEEPEST = 8;

/** What one student has handed in. */
export interface ClassSubmission {
  /** The name of the student's folder. */
  readonly student: string;
  /** The file for each exercise that there is one for, by the exercise's name. */
  readonly files: Readonly<Record<string, string>>;
  /** Why a file for an exercise is there, and is not graded. */
  readonly refused: Readonly<Record<string, string>>;
  /** What whoever reads the results should know. */
  readonly notes: readonly string[];
}

/**
 * What a class has handed in: one folder for each student, which holds a copy of `exercises/`, a whole clone, or single files
 * with the exercises' names, at any depth.
 *
 * @throws UserError when the folder is not there, or holds no folder
 */
export function findSubmissions(folder: string, exercises: readonly Exercise[]): ClassSubmission[] {
  const students = foldersIn(folder);
  if (students.length === 0) {
    throw new UserError(`${folder} holds no folders. It should hold one for each student.`);
  }
  return students.map((student) => findSubmission(join(folder, student), student, exercises));
}

/** What one student has handed in: what is in this folder. */
export function findSubmission(
  folder: string,
  student: string,
  exercises: readonly Exercise[],
): ClassSubmission {
  const found = filesBelow(folder, exercises);
  const files: Record<string, string> = {};
  const refused: Record<string, string> = {};
  const notes: string[] = [];
  for (const exercise of exercises) {
    const candidates = found
      .filter((file) => file.endsWith(`${sep}${exercise.fileName}`))
      .sort((a, b) => likelihood(b, exercise) - likelihood(a, exercise) || a.localeCompare(b));
    const [first, second = ''] = candidates;
    if (!first) continue;
    const reason = whyRefused(first);
    if (reason) refused[exercise.name] = `${exercise.fileName}: ${reason}`;
    else files[exercise.name] = first;
    if (second && likelihood(second, exercise) === likelihood(first, exercise)) {
      notes.push(
        `${candidates.length} files ${exercise.fileName}: graded ${relative(folder, first)}`,
      );
    }
  }
  return { student, files, refused, notes };
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !isHidden(entry.name))
      .map(({ name }) => name)
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  } catch (error) {
    throw fileSystemTrouble(error, `read ${folder}`);
  }
}

function filesBelow(folder: string, exercises: readonly Exercise[], depth = 0): string[] {
  if (depth > DEEPEST) return [];
  const wanted = new Set(exercises.map(({ fileName }) => fileName));
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    // A link can lead anywhere, and in a circle.
    if (entry.isFile()) return wanted.has(entry.name) ? [path] : [];
    return isTheirs(entry) ? filesBelow(path, exercises, depth + 1) : [];
  });
}

/** In the exercise's own folder is where it belongs; of the others, the one that is not buried deep. */
function likelihood(file: string, { folder }: Exercise): number {
  const parts = file.split(sep);
  return (parts.includes(folder) ? 1000 : 0) - parts.length;
}
