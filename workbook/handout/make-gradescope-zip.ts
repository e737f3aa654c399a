import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { type Zippable, zipSync } from 'fflate';
import type { Exercise } from '../../grader/exercises.ts';
import { ROOT } from '../../system/paths.ts';
import { temporaryFolder } from '../../system/process/temporary-folder.ts';
import { fileSystemTrouble } from '../../system/process/user-error.ts';
import { makeHandout } from './make-handout.ts';

const TEMPLATES = join(ROOT, 'workbook', 'handout', 'gradescope');
const PROGRAMS = ['setup.sh', 'run_autograder'];
const UNIX = 3;
const MODES = { program: 0o755, file: 0o644 };

export interface ZipOptions {
  readonly exercises: readonly Exercise[];
  /** The same data for everybody. */
  readonly seed: number;
  /** For one submission: less than Gradescope grants, or there are no results at all. */
  readonly limitSeconds: number;
}

/**
 * Makes the zip that Gradescope builds an autograder from: `setup.sh` and `run_autograder`, as its documentation wants them
 * (https://gradescope-autograders.readthedocs.io/en/latest/specs/), and a handout to grade with.
 *
 * @throws UserError when the file cannot be written
 */
export function makeGradescopeZip(
  file: string,
  { exercises, seed, limitSeconds }: ZipOptions,
): void {
  const { path: folder, remove } = temporaryFolder('redis-streams-gradescope-');
  try {
    makeHandout(folder, exercises);
    const entries: Zippable = {};
    for (const path of filesBelow(folder)) {
      const name = ['workbook', ...relative(folder, path).split(sep)].join('/');
      entries[name] = withMode(readFileSync(path), MODES.file);
    }
    for (const name of PROGRAMS) {
      const text = readFileSync(join(TEMPLATES, name), 'utf8')
        .replace('--seed SEED', `--seed ${seed}`)
        .replace('--limit LIMIT_SECONDS', `--limit ${limitSeconds}`);
      entries[name] = withMode(Buffer.from(text), MODES.program);
    }
    writeFileSync(file, zipSync(entries));
  } catch (error) {
    throw fileSystemTrouble(error, `write ${file}`);
  } finally {
    remove();
  }
}

function withMode(content: Uint8Array, mode: number): Zippable[string] {
  return [content, { os: UNIX, attrs: mode << 16 }];
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
}
