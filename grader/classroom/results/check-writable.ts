import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileSystemTrouble, UserError } from '../../../system/process/user-error.ts';

/**
 * Looks whether this file could be written, without writing it: so that it is told before the work, and not after it.
 *
 * @param made a folder that will be there by then
 * @throws UserError when it could not
 */
export function checkWritable(file: string, made?: string): void {
  const path = resolve(file);
  const folder = dirname(path);
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory()) throw new UserError(`${file} is a folder. Name a file in it.`);
    if (stats) accessSync(path, constants.W_OK);
    else if (folder !== made || existsSync(folder)) accessSync(folder, constants.W_OK);
  } catch (error) {
    throw fileSystemTrouble(error, `write ${file}`);
  }
}
