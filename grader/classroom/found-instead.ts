import { basename, extname } from 'node:path';
import { mistakesBetween } from '../../system/did-you-mean.ts';
import { cut } from '../../system/terminal/width.ts';
import type { Exercise } from '../exercises.ts';

/** So many names of what was handed in are told, so long each. */
const MOST_NAMES = 3;
const LONGEST_NAME = 60;
/** What may hold anything. Of these, only zips are unpacked. */
const ARCHIVES = new Set(['.zip', '.rar', '.7z', '.tar', '.gz', '.tgz', '.bz2', '.xz']);

/**
 * What there is in place of the files that are missing, for whoever reads the results: names that are like one
 * (`Orders (1).ts`, `orders.ts.txt`) and archives that did not hold it; when there is nothing at all, whatever else was handed in.
 * None of it is graded: a guess is not a submission.
 *
 * @param missing the exercises that there is no file for
 * @param names what was handed in, as paths below the student's folder
 */
export function foundInstead(
  missing: readonly Exercise[],
  names: readonly string[],
  nothing: boolean,
): string[] {
  const alike = missing.flatMap((exercise) => {
    const own = names.filter((name) => isAlike(basename(name), exercise.name));
    return own.length > 0 ? [`instead of ${exercise.fileName}: ${list(own)}`] : [];
  });
  if (alike.length > 0) return alike;
  const archives = names.filter((name) => ARCHIVES.has(extname(name).toLowerCase()));
  const rest = nothing ? names : missing.length > 0 ? archives : [];
  return rest.length > 0 ? [`found instead: ${list(rest)}`] : [];
}

/** `orders_final.ts`, `my orders.docx`; and with one letter wrong, `order.ts`. */
function isAlike(name: string, wanted: string): boolean {
  const [stem = ''] = name.toLowerCase().split(/[^\p{L}]+/u);
  return name.toLowerCase().includes(wanted) || mistakesBetween(stem, wanted) <= 1;
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).map((name) => cut(name, LONGEST_NAME));
  const more = names.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
