import { didYouMean } from '../../../system/did-you-mean.ts';
import { UserError } from '../../../system/process/user-error.ts';

/** What can stand between a submission and the machine, the best first. */
export const WALLS = ['sandbox', 'user', 'none'] as const;

export type Wall = (typeof WALLS)[number];

/**
 * What `--walls` says; undefined for the best that there is.
 *
 * @throws UserError for a word that names none
 */
export function readWall(text: string | undefined): Wall | undefined {
  const wall = WALLS.find((one) => one === text);
  if (wall || text === undefined) return wall;
  const instead = didYouMean(text, WALLS);
  throw new UserError(
    `--walls is ${WALLS.slice(0, -1).join(', ')} or ${WALLS.at(-1)}, not '${text}'.${instead && ` ${instead}`}`,
  );
}
