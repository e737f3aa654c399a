import { accessSync, constants, cpSync, type Dirent, lstatSync, readdirSync } from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { errorMessage } from '../../system/process/user-error.ts';

/** What a submission can import of its own folder. */
const CODE = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json']);
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
const LARGEST_BYTES = 1024 * 1024;

/** A file as Canvas packs it, all students' in one folder: `muelleranna_LATE_4711_98_orders-1.ts`. */
const FROM_CANVAS =
  /^(?<student>.+?)_(?:LATE_)?(?<id>\d+)_\d+_(?<name>.+?)(?:-(?<version>\d+))?\.ts$/;

/** Whose file this is, and which, when Canvas has packed it. The version is 0 for the first that was handed in. */
export function readCanvasName(
  path: string,
): { student: string; fileName: string; version: number } | undefined {
  const { student, id, name, version = '0' } = FROM_CANVAS.exec(basename(path))?.groups ?? {};
  if (!student || !name) return undefined;
  return { student: `${student}_${id}`, fileName: `${name}.ts`, version: Number(version) };
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
  const found = [basename(file)];
  // What lies beside it there is other students'.
  if (!readCanvasName(file)) collectCode(home, home, 0, found);
  return found;
}

/** Copies the file, with what it could import, to a folder. Returns its path below that. */
export function copyOwnFiles(file: string, folder: string): string {
  const home = dirname(file);
  for (const path of ownFiles(file)) cpSync(join(home, path), join(folder, path));
  return basename(file);
}

function collectCode(home: string, folder: string, depth: number, found: string[]): void {
  for (const entry of entriesOf(folder)) {
    if (found.length >= MOST_FILES) return;
    const path = join(folder, entry.name);
    const name = relative(home, path);
    if (entry.isFile()) {
      const isCode = CODE.has(extname(name)) && !found.includes(name);
      if (isCode && whyRefused(path) === undefined) found.push(name);
    } else if (isTheirs(entry) && depth < DEEPEST) {
      collectCode(home, path, depth + 1, found);
    }
  }
}

/** What is in a folder, in order; nothing, when it cannot be read: one student's folder stops nobody else's. */
export function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
      a.name.localeCompare(b.name),
    );
  } catch {
    return [];
  }
}

/** Whether this is a folder that can hold a student's own files, not one that comes with the workbook. */
export function isTheirs(entry: Dirent): boolean {
  return entry.isDirectory() && !isHidden(entry.name) && !NOT_THEIRS.has(entry.name);
}

/** Also what macOS leaves in archives. */
export function isHidden(name: string): boolean {
  return name.startsWith('.') || name === '__MACOSX';
}
