import { readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileSystemTrouble, UserError } from '../../workbook/process/user-error.ts';
import type { Exercise } from '../catalogue.ts';

const DEEPEST = 8;
/** Folders of a whole clone in which a file of the right name is not the student's. */
const NOT_THEIRS = new Set([
  'node_modules',
  'solutions',
  'grader',
  'tests',
  'chapters',
  'workbook',
]);

/** What one student has handed in. */
export interface ClassSubmission {
  /** The name of the student's folder. */
  readonly student: string;
  /** The file for each exercise that there is one for, by the exercise's name. */
  readonly files: Readonly<Record<string, string>>;
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
  return students.map((student) => {
    const found = filesBelow(join(folder, student), exercises);
    const files: Record<string, string> = {};
    const notes: string[] = [];
    for (const exercise of exercises) {
      const candidates = found
        .filter((file) => file.endsWith(`${sep}${exercise.fileName}`))
        .sort((a, b) => likelihood(b, exercise) - likelihood(a, exercise) || a.localeCompare(b));
      const [first, ...others] = candidates;
      if (!first) continue;
      files[exercise.name] = first;
      if (
        others.length > 0 &&
        likelihood(others[0] ?? '', exercise) === likelihood(first, exercise)
      ) {
        notes.push(`${candidates.length} files ${exercise.fileName}: graded ${first}`);
      }
    }
    return { student, files, notes };
  });
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
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    // A link can lead anywhere, and in a circle.
    if (entry.isFile()) return wanted.has(entry.name) ? [path] : [];
    const skipped = !entry.isDirectory() || isHidden(entry.name) || NOT_THEIRS.has(entry.name);
    return skipped ? [] : filesBelow(path, exercises, depth + 1);
  });
}

/** In the exercise's own folder is where it belongs; of the others, the one that is not buried deep. */
function likelihood(file: string, { folder }: Exercise): number {
  const parts = file.split(sep);
  return (parts.includes(folder) ? 1000 : 0) - parts.length;
}

/** Also what macOS leaves in archives. */
function isHidden(name: string): boolean {
  return name.startsWith('.') || name === '__MACOSX';
}
