import { readdirSync, statSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { fileSystemTrouble, UserError } from '../../system/process/user-error.ts';
import type { Exercise } from '../exercises.ts';
import { filesBelow, isHidden, readCanvasName, whyRefused } from './own-files.ts';

const DEEPEST = 8;

export interface ClassSubmission {
  /** The name of the student's folder, or what Canvas calls the student. */
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
 * with the exercises' names, at any depth; or the files of all students side by side, as Canvas packs them.
 *
 * @param out where the results go, which may be in that folder: it is nobody's
 * @throws UserError when the folder is not there, or holds neither
 */
export function findSubmissions(
  folder: string,
  exercises: readonly Exercise[],
  out?: string,
): ClassSubmission[] {
  const found = pathsIn(folder)
    .filter((path) => path !== out)
    // Links count as what they lead to: at this depth, they are the instructor's.
    .map((path) => ({ path, stats: statSync(path, { throwIfNoEntry: false }) }));
  const inFolders = found
    .filter(({ stats }) => stats?.isDirectory())
    .map(({ path }) => findSubmission(path, basename(path), exercises));
  const files = found.filter(({ stats }) => stats?.isFile()).map(({ path }) => path);
  const all = [...inFolders, ...fromCanvas(files, exercises)];
  if (all.length === 0) {
    throw new UserError(`${folder} holds no folders. It should hold one for each student.`);
  }
  return all.sort(byStudent);
}

/** The order of a class. */
export function byStudent(a: { student: string }, b: { student: string }): number {
  return a.student.localeCompare(b.student, 'en', { numeric: true });
}

/** What one student has handed in: what is in this folder. */
export function findSubmission(
  folder: string,
  student: string,
  exercises: readonly Exercise[],
): ClassSubmission {
  const found = filesBelow(folder, DEEPEST);
  const candidatesFor = (exercise: Exercise) =>
    found
      // Some systems make names upper case, or the student does.
      .filter((file) => basename(file).toLowerCase() === exercise.fileName.toLowerCase())
      .sort((a, b) => likelihood(b, exercise) - likelihood(a, exercise) || a.localeCompare(b));
  const notes = exercises.flatMap((exercise) => {
    const [first = '', second, ...more] = candidatesFor(exercise);
    if (!second || likelihood(second, exercise) < likelihood(first, exercise)) return [];
    const count = more.length + 2;
    return [`${count} files ${exercise.fileName}: graded ${relative(folder, first)}`];
  });
  return submissionOf(student, exercises, (exercise) => candidatesFor(exercise)[0], notes);
}

/** The files of each student, the newest of each. */
function fromCanvas(files: readonly string[], exercises: readonly Exercise[]): ClassSubmission[] {
  const packed = files.flatMap((file) => {
    const about = readCanvasName(file);
    return about ? [{ file, ...about }] : [];
  });
  const students = new Set(packed.map(({ student }) => student));
  return [...students].map((student) => {
    const own = packed.filter((one) => one.student === student);
    const newest = (exercise: Exercise) =>
      own
        .filter(({ fileName }) => fileName === exercise.fileName)
        .sort((a, b) => b.version - a.version)[0]?.file;
    return submissionOf(student, exercises, newest, []);
  });
}

function submissionOf(
  student: string,
  exercises: readonly Exercise[],
  fileFor: (exercise: Exercise) => string | undefined,
  notes: readonly string[],
): ClassSubmission {
  const files: Record<string, string> = {};
  const refused: Record<string, string> = {};
  for (const exercise of exercises) {
    const file = fileFor(exercise);
    if (!file) continue;
    const reason = whyRefused(file);
    if (reason) refused[exercise.name] = `${exercise.fileName}: ${reason}`;
    else files[exercise.name] = file;
  }
  return { student: plain(student), files, refused, notes };
}

function pathsIn(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => !isHidden(name));
    return names.map((name) => join(folder, name));
  } catch (error) {
    throw fileSystemTrouble(error, `read ${folder}`);
  }
}

/** A name that does not break a line, nor a screen. */
function plain(name: string): string {
  return stripVTControlCharacters(name).replace(/\p{Cc}+/gu, ' ');
}

/** In the exercise's own folder is where it belongs; of the others, the one that is not buried deep. */
function likelihood(file: string, { folder }: Exercise): number {
  const parts = file.split(sep);
  return (parts.includes(folder) ? 1000 : 0) - parts.length;
}
