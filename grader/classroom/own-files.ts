import { accessSync, constants, cpSync, lstatSync, readdirSync } from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { errorMessage } from '../../system/process/user-error.ts';

/** What a submission can import of its own folder. */
export const CODE = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json']);
const NOT_THEIRS = new Set([
  'node_modules',
  'solutions',
  'grader',
  'tests',
  'chapters',
  'system',
  'workbook',
]);
const DEEPEST = 3;
const MOST_FILES = 100;
export const LARGEST_BYTES = 1024 * 1024;

/** A file as Canvas packs it, all students' in one folder: `muelleranna_LATE_4711_98_orders-1.ts`. */
const FROM_CANVAS =
  /^(?<student>.+?)_(?:LATE_)?(?<id>\d+)_\d+_(?<name>.+?)(?:-(?<version>\d+))?(?<ending>\.\w+)$/;

/** Whose file this is, and which, when Canvas has packed it. The version is 0 for the first that was handed in. */
export function readCanvasName(
  path: string,
): { student: string; fileName: string; version: number } | undefined {
  const parts = FROM_CANVAS.exec(basename(path))?.groups;
  const { student, id, name, version = '0', ending } = parts ?? {};
  if (!student || !name) return undefined;
  return { student: `${student}_${id}`, fileName: `${name}${ending}`, version: Number(version) };
}

/** Why a file is not even tried, or undefined: it is one that can be graded. */
export function whyRefused(file: string): string | undefined {
  try {
    if (lstatSync(file).size > LARGEST_BYTES) return 'it is larger than 1 MB';
    accessSync(file, constants.R_OK);
    return undefined;
  } catch (error) {
    return `it cannot be read (${errorMessage(error)})`;
  }
}

/**
 * The file and what lies beside it that it could import, as paths below its folder. No links: they may lead to what belongs to
 * others.
 */
export function ownFiles(file: string): string[] {
  const home = dirname(file);
  // What lies beside it there is other students'.
  const beside = readCanvasName(file) ? [] : filesBelow(home, DEEPEST);
  const code = beside.filter((path) => path !== file && CODE.has(extname(path)));
  const others = code.filter((path) => whyRefused(path) === undefined).slice(0, MOST_FILES - 1);
  return [file, ...others].map((path) => relative(home, path));
}

/** Copies the file, with what it could import, to a folder, where it has this name, whatever case its own was in. */
export function copyOwnFiles(file: string, folder: string, name: string): void {
  const [, ...others] = ownFiles(file);
  for (const path of others) cpSync(join(dirname(file), path), join(folder, path));
  cpSync(file, join(folder, name));
}

/**
 * The files in a folder and in those below it, so deep, in order; nothing of one that cannot be read: one student's folder stops
 * nobody else's. No links: they can lead anywhere, and in a circle. Nothing of what comes with the workbook.
 */
export function filesBelow(folder: string, deepest: number): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isFile()) return [path];
    const isTheirs = entry.isDirectory() && !isNotTheirs(entry.name);
    return isTheirs && deepest > 0 ? filesBelow(path, deepest - 1) : [];
  });
}

function entriesOf(folder: string) {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.sort((a, b) => a.name.localeCompare(b.name));
  } catch {
    return [];
  }
}

/** A folder that comes with the workbook, or that a system has made. */
export function isNotTheirs(name: string): boolean {
  return isHidden(name) || NOT_THEIRS.has(name);
}

/** Also what macOS leaves in archives. */
export function isHidden(name: string): boolean {
  return name.startsWith('.') || name === '__MACOSX';
}
