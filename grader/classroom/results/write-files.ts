import { writeFileSync } from 'node:fs';
import { fileSystemTrouble } from '../../../system/process/user-error.ts';
import type { ExerciseResult } from '../../result.ts';
import { checkWritable } from './check-writable.ts';
import { checkRunner, toClassroom50 } from './classroom50.ts';
import { toGradescope } from './gradescope.ts';
import { toJson } from './json.ts';
import { toJunit } from './junit.ts';

/** The formats that results can be written in: `--json FILE`. */
export const FORMATS = ['json', 'junit', 'gradescope', 'classroom50'] as const;

const WRITERS = {
  json: toJson,
  junit: toJunit,
  gradescope: toGradescope,
  classroom50: toClassroom50,
};

type FileFor = (format: (typeof FORMATS)[number]) => string | undefined;

/**
 * Looks whether the results could be written in every format for which a file was named: before there are any.
 *
 * @throws UserError when one could not, or when Classroom 50's runner has not said whose results they are
 */
export function checkResultFiles(fileFor: FileFor): void {
  for (const format of FORMATS) {
    const file = fileFor(format);
    if (file) checkWritable(file);
  }
  if (fileFor('classroom50')) checkRunner();
}

/**
 * Writes the results in every format for which a file was named.
 *
 * @throws UserError when a file cannot be written
 */
export function writeResultFiles(
  results: readonly ExerciseResult[],
  seed: number,
  fileFor: FileFor,
): void {
  for (const format of FORMATS) {
    const file = fileFor(format);
    if (!file) continue;
    const text = WRITERS[format](results, seed);
    try {
      writeFileSync(file, text);
    } catch (error) {
      throw fileSystemTrouble(error, `write ${file}`);
    }
  }
}
