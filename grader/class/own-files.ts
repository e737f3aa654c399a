import { cpSync, type Dirent, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';

/** What a submission can import of its own folder. */
const CODE = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json']);
const NOT_THEIRS = new Set([
  'node_modules',
  'solutions',
  'grader',
  'tests',
  'chapters',
  'workbook',
]);
const DEEPEST = 3;
const MOST_FILES = 100;
const LARGEST_BYTES = 1024 * 1024;

/** Why a file is not even tried, or undefined: it is one that can be graded. */
export function whyRefused(file: string): string | undefined {
  try {
    if (lstatSync(file).size > LARGEST_BYTES) return 'it is larger than 1 MB';
    readFileSync(file);
    return undefined;
  } catch (error) {
    return `it cannot be read (${error instanceof Error ? error.message : error})`;
  }
}

/**
 * The file and what lies beside it that it could import, as paths below its folder. No links: they may lead to what belongs to
 * others.
 */
export function ownFiles(file: string): string[] {
  const home = dirname(file);
  const beside = codeBelow(home, home, 0).filter((path) => join(home, path) !== file);
  return [relative(home, file), ...beside.slice(0, MOST_FILES)];
}

/** Copies the file, with what it could import, to a folder. Returns its path below that. */
export function copyOwnFiles(file: string, folder: string): string {
  const home = dirname(file);
  for (const path of ownFiles(file)) cpSync(join(home, path), join(folder, path));
  return relative(home, file);
}

function codeBelow(home: string, folder: string, depth: number): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isFile()) {
      const isCode = CODE.has(extname(entry.name)) && whyRefused(path) === undefined;
      return isCode ? [relative(home, path)] : [];
    }
    return isTheirs(entry) && depth < DEEPEST ? codeBelow(home, path, depth + 1) : [];
  });
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
