import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../system/process/run-program.ts';

const DEEPEST = '4';
/** More files than that are not counted: they are too many. */
const MOST_FILES = 10_000;

/** The folders of this machine in which everybody may write, down to a depth: /tmp, /var/tmp, /dev/shm, and what else there is. */
export async function writableByAll(): Promise<string[]> {
  const from = ['/', ...mountPoints().filter(isWritableByAll)];
  const { output } = await run('find', [
    ...[...from, '-xdev', '-maxdepth', DEEPEST],
    ...['-type', 'd', '-perm', '-0002', '-print'],
  ]);
  // What find complains of does not begin with a slash.
  return [...new Set(output.split('\n').filter((line) => line.startsWith('/')))];
}

/** What a user has left in these folders: how many bytes on the disk, and how many files (as far as they were counted). */
export function leftBy(uid: number, folders: readonly string[]): { bytes: number; files: number } {
  const found = { bytes: 0, files: 0 };
  const look = (folder: string) => {
    for (const name of namesIn(folder)) {
      if (found.files > MOST_FILES) return;
      const path = join(folder, name);
      const entry = lstatSync(path, { throwIfNoEntry: false });
      if (entry?.uid !== uid) continue;
      found.files++;
      found.bytes += entry.blocks * 512;
      if (entry.isDirectory()) look(path);
    }
  };
  for (const folder of folders) look(folder);
  return found;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isWritableByAll(folder: string): boolean {
  const entry = lstatSync(folder, { throwIfNoEntry: false });
  return entry?.isDirectory() === true && (entry.mode & 0o002) !== 0;
}

/** A blank in one is written as an octal number. */
function mountPoints(): string[] {
  try {
    const lines = readFileSync('/proc/mounts', 'utf8').split('\n');
    return lines.flatMap((line) => line.split(' ')[1] ?? []).map(unescaped);
  } catch {
    return [];
  }
}

const unescaped = (path: string) =>
  path.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
