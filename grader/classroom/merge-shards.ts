import { UserError } from '../../system/process/user-error.ts';
import { fullRecords } from './class-records.ts';
import { GradeBook } from './grade-book.ts';
import { namesOf, readRun } from './run-file.ts';

/**
 * Joins what shards have written: the result is what one run over all of them would have been.
 *
 * @param due another time than the one that they have on record
 * @throws UserError when they do not belong together
 */
export function mergeShards(
  folders: readonly string[],
  out: string,
  due: string | undefined,
): GradeBook {
  const runs = folders.map(readRun);
  const [first] = runs;
  if (!first) {
    throw new UserError('Which folders? Such as: npm run grade -- --merge A B --out TOGETHER');
  }
  const seeds = new Set(runs.map(({ seed }) => seed));
  if (seeds.size > 1) {
    throw new UserError(
      `These runs were graded with different seeds (${[...seeds].join(', ')}). Grade all shards with the same --seed.`,
    );
  }
  const kinds = new Set(runs.map(namesOf));
  if (kinds.size > 1) {
    throw new UserError(`These runs are about different exercises: ${[...kinds].join('; ')}.`);
  }
  const times = new Set(runs.map((run) => run.due ?? 'none'));
  if (times.size > 1 && due === undefined) {
    throw new UserError(
      `These runs have different due times (${[...times].join(', ')}). Say which holds: --due TIME`,
    );
  }
  const book = GradeBook.begin(out, { ...first, due: due ?? first.due });
  for (const folder of folders) for (const record of fullRecords(folder)) book.enter(record);
  return book;
}
