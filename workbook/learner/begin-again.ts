import { existsSync } from 'node:fs';
import type { Exercise } from '../../grader/exercises.ts';
import { shownPath } from '../../system/paths.ts';
import { replaceFile, starterOf } from './backups.ts';

/**
 * Brings an exercise's starter back. Returns what became of the learner's file.
 *
 * @throws UserError when there is no starter, or nothing can be written; the learner's file is then as it was
 */
export async function beginAgain(exercise: Exercise): Promise<string> {
  const file = shownPath(exercise.file);
  const wasThere = existsSync(exercise.file);
  const backup = await replaceFile(exercise, starterOf(exercise));
  if (!wasThere) return `${file} was missing. It is the starter again.`;
  if (!backup) return `${file} is as it was at the beginning. Nothing was changed.`;
  return [
    `Your file is kept as  ${shownPath(backup)}`,
    `To bring it back:     npm run restore ${exercise.name}`,
    `${file} is the starter again.`,
  ].join('\n');
}
