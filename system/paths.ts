import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of this clone of the workbook. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

export const CHAPTERS = join(ROOT, 'chapters');

/** What belongs to this clone and is not worth keeping in git: the shared server, the prompt's history. */
export const STATE = process.env.WORKBOOK_STATE
  ? resolve(process.env.WORKBOOK_STATE)
  : join(ROOT, '.workbook');

export const EXERCISES = join(ROOT, 'exercises');
export const SOLUTIONS = join(ROOT, 'solutions');
export const GRADER = join(ROOT, 'grader');

/** A path as a person types it in the workbook's folder; as it is when it lies elsewhere. */
export function shownPath(path: string): string {
  const inside = relative(ROOT, path);
  return inside.startsWith('..') ? path : inside;
}
