import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileSystemTrouble, UserError } from '../../system/process/user-error.ts';
import type { Exercise } from '../exercises.ts';
import {
  type ClassSubmission,
  findSubmission,
  type HandedIn,
  isZip,
  submissionOf,
} from './find-submission.ts';
import { isHidden, readCanvasName } from './own-files.ts';

/**
 * What a class has handed in: one folder or one zip for each student, which holds a copy of `exercises/`, a whole clone, or
 * single files with the exercises' names, at any depth; or the files of all students side by side, as Canvas packs them.
 *
 * @param out where the results go, which may be in that folder: it is nobody's
 * @param unpackTo a temporary folder for what is in zips
 * @throws UserError when the folder is not there, or holds neither
 */
export async function findSubmissions(
  folder: string,
  exercises: readonly Exercise[],
  out: string,
  unpackTo: string,
): Promise<ClassSubmission[]> {
  const found = pathsIn(folder)
    .filter((path) => path !== out)
    // Links count as what they lead to: at this depth, they are the instructor's.
    .map((path) => ({ path, stats: statSync(path, { throwIfNoEntry: false }) }));
  const folders = found.filter(({ stats }) => stats?.isDirectory()).map(({ path }) => path);
  const files = found.filter(({ stats }) => stats?.isFile()).map(({ path }) => path);
  const students = [
    ...filesOfStudents(files),
    // A zip that has been unpacked beside itself counts once.
    ...files
      .filter((file) => isZip(file) && !readCanvasName(file))
      .map((file) => ({ student: basename(file).slice(0, -'.zip'.length), own: [looseFile(file)] }))
      .filter(({ student }) => !folders.includes(join(folder, student))),
  ];
  const all: ClassSubmission[] = [];
  for (const path of folders) {
    all.push(await findSubmission(path, basename(path), exercises, unpackTo));
  }
  for (const { student, own } of students) {
    all.push(await submissionOf(student, own, exercises, unpackTo));
  }
  if (all.length === 0) {
    throw new UserError(`${folder} holds no folders. It should hold one for each student.`);
  }
  return all.sort(byStudent);
}

/** The order of a class. */
export function byStudent(a: { student: string }, b: { student: string }): number {
  return a.student.localeCompare(b.student, 'en', { numeric: true });
}

/** What each student has handed in to Canvas: of several files of a name, the newest. */
function filesOfStudents(files: readonly string[]): { student: string; own: HandedIn[] }[] {
  const packed = files.flatMap((path) => {
    const about = readCanvasName(path);
    return about ? [{ path, ...about }] : [];
  });
  const students = new Map<string, Map<string, (typeof packed)[number]>>();
  for (const file of packed) {
    const own = students.get(file.student) ?? new Map();
    students.set(file.student, own);
    const name = file.fileName.toLowerCase();
    if (file.version >= (own.get(name)?.version ?? 0)) own.set(name, file);
  }
  return [...students].map(([student, own]) => ({
    student,
    own: [...own.values()].map(({ path, fileName }) => ({ path, name: fileName })),
  }));
}

function looseFile(path: string): HandedIn {
  return { path, name: basename(path) };
}

function pathsIn(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => !isHidden(name));
    return names.map((name) => join(folder, name));
  } catch (error) {
    throw fileSystemTrouble(error, `read ${folder}`);
  }
}
