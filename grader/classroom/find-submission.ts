import { statSync } from 'node:fs';
import { basename, dirname, extname, join, relative, sep } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { shownPath } from '../../system/paths.ts';
import type { Exercise } from '../exercises.ts';
import { foundInstead } from './found-instead.ts';
import { filesBelow, ownFiles, whyRefused } from './own-files.ts';
import { unpackZip } from './unpack-zip.ts';

const DEEPEST = 8;

export interface ClassSubmission {
  /** The name of the student's folder, or what Canvas calls the student. */
  readonly student: string;
  /** The file for each exercise that there is one for, by the exercise's name. */
  readonly files: Readonly<Record<string, string>>;
  /** Of the files that were in a zip, where they were, in the same way. */
  readonly zipped: Readonly<Record<string, string>>;
  /** Why a file for an exercise is there, and is not graded. */
  readonly refused: Readonly<Record<string, string>>;
  /** What there is in place of files that are missing. */
  readonly instead: readonly string[];
  /** When the newest of what counts was written: ISO 8601, UTC. Undefined when nothing was handed in. */
  readonly handedIn: string | undefined;
  /** What whoever reads the results should know. */
  readonly notes: readonly string[];
}

/** A file that a student has handed in. */
export interface HandedIn {
  /** Where it is; undefined for what was left in a zip. */
  readonly path: string | undefined;
  /** Its path, as the student would say it: `exercises/01-order-processing/orders.ts`, `work.zip/orders.ts`. */
  readonly name: string;
  /** The zip that it was in. */
  readonly zip?: string;
}

/** What a zip adds to what was handed in beside it. */
interface Opened {
  readonly found: readonly HandedIn[];
  readonly notes: readonly string[];
}

/**
 * What one student has handed in: what is in this folder.
 *
 * @param unpackTo a temporary folder for what is in zips
 */
export function findSubmission(
  folder: string,
  student: string,
  exercises: readonly Exercise[],
  unpackTo: string,
): Promise<ClassSubmission> {
  const found = filesBelow(folder, DEEPEST).map((path) => ({
    path,
    name: relative(folder, path),
  }));
  return submissionOf(student, found, exercises, unpackTo);
}

/** What one student has handed in: these files. Zips are opened when they could hold a file that is not beside them. */
export async function submissionOf(
  student: string,
  loose: readonly HandedIn[],
  exercises: readonly Exercise[],
  unpackTo: string,
): Promise<ClassSubmission> {
  const lacksOne = exercises.some((exercise) => candidatesFor(exercise, loose).length === 0);
  const opened = lacksOne ? await openZips(loose, unpackTo) : { found: [], notes: [] };
  const files: Record<string, string> = {};
  const zipped: Record<string, string> = {};
  const refused: Record<string, string> = {};
  const notes: string[] = [];
  const counting: string[] = [];
  const missing: Exercise[] = [];
  for (const exercise of exercises) {
    const beside = candidatesFor(exercise, loose);
    const candidates = beside.length > 0 ? beside : candidatesFor(exercise, opened.found);
    const [first, second] = candidates;
    if (!first?.path) {
      missing.push(exercise);
      continue;
    }
    const { fileName } = exercise;
    if (second && likelihood(second, exercise) === likelihood(first, exercise)) {
      notes.push(`${candidates.length} files ${fileName}: graded ${first.name}`);
    } else if (first.zip) {
      notes.push(`${fileName} is ${first.name}`);
    }
    const reason = whyRefused(first.path);
    if (reason) refused[exercise.name] = `${fileName}: ${reason}`;
    else files[exercise.name] = first.path;
    if (first.zip) zipped[exercise.name] = join(dirname(first.zip), first.name);
    const own = reason ? [first.path] : siblings(first.path);
    counting.push(...(first.zip ? [first.zip] : own));
  }
  const nothing = missing.length === exercises.length;
  const all = [...loose, ...opened.found];
  const names = all.map(({ name }) => name);
  const inPlace = nothing ? loose.flatMap(({ path }) => path ?? []) : counting;
  return {
    student: plain(student),
    files,
    zipped,
    refused,
    instead: foundInstead(missing, names, nothing).map(plain),
    handedIn: newest(inPlace),
    notes: [...notes, ...opened.notes].map(plain),
  };
}

async function openZips(loose: readonly HandedIn[], unpackTo: string): Promise<Opened> {
  const found: HandedIn[] = [];
  const notes: string[] = [];
  for (const { path, name } of loose) {
    if (!path || !isZip(name)) continue;
    const folder = join(unpackTo, `${++unpacked}`);
    const { files, others, trouble } = await unpackZip(path, folder);
    if (trouble) notes.push(`${name}: ${trouble}`);
    for (const file of files) {
      found.push({ path: join(folder, file), name: join(name, file), zip: path });
    }
    for (const other of others) found.push({ path: undefined, name: join(name, other), zip: path });
  }
  return { found, notes };
}

/** Numbers the folders of what was unpacked. */
let unpacked = 0;

export function isZip(name: string): boolean {
  return extname(name).toLowerCase() === '.zip';
}

/** The files for an exercise, the most likely one first. */
function candidatesFor(exercise: Exercise, found: readonly HandedIn[]): HandedIn[] {
  const wanted = exercise.fileName;
  const isExact = ({ name }: HandedIn) => (basename(name) === wanted ? 1 : 0);
  return (
    found
      // Some systems make names upper case, or the student does.
      .filter(({ path, name }) => path && basename(name).toLowerCase() === wanted.toLowerCase())
      .sort(
        (a, b) =>
          likelihood(b, exercise) - likelihood(a, exercise) ||
          isExact(b) - isExact(a) ||
          a.name.localeCompare(b.name),
      )
  );
}

/** In the exercise's own folder is where it belongs; of the others, the one that is not buried deep. */
function likelihood({ name }: HandedIn, { folder }: Exercise): number {
  const parts = name.split(sep);
  return (parts.includes(folder) ? 1000 : 0) - parts.length;
}

function siblings(file: string): string[] {
  return ownFiles(file).map((path) => join(dirname(file), path));
}

function newest(paths: readonly string[]): string | undefined {
  const times = paths.map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  const last = Math.max(0, ...times);
  // Whole seconds: some file systems keep no more.
  return last > 0 ? `${new Date(last).toISOString().slice(0, 19)}Z` : undefined;
}

/** A name that does not break a line, nor a screen. */
function plain(name: string): string {
  return stripVTControlCharacters(name).replace(/\p{Cc}+/gu, ' ');
}

/** Why there is nothing to grade, and what would be: for somebody who has named one folder. */
export function nothingToGrade(
  folder: string,
  { instead, notes }: ClassSubmission,
  exercises: readonly Exercise[],
): string {
  const wanted = exercises.map(({ fileName }) => fileName);
  const found = [...instead, ...notes].map((line) => `\n${line}`).join('');
  return `Nothing to grade in ${shownPath(folder)}. It should hold ${wanted.join(', ')}, at any depth.${found}`;
}
