import { readFileSync } from 'node:fs';
import { shownPath } from './paths.ts';
import { errorCode, fileSystemTrouble, UserError } from './process/user-error.ts';

/**
 * The text of a file.
 *
 * @param missing what is said when there is no such file
 * @throws UserError when it is not there, or cannot be read
 */
export function readText(file: string, missing = `There is no file ${shownPath(file)}.`): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw new UserError(missing);
    throw fileSystemTrouble(error, `read ${shownPath(file)}`);
  }
}
