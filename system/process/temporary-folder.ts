import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guardPath } from './guardian.ts';
import { fileSystemTrouble } from './user-error.ts';

const TRIES = 5;
const PAUSE_MS = 20;

/**
 * Makes a folder whose name begins with `prefix`, in the system's temporary folder or in `parent`.
 * It goes when it is removed, or else when this process ends, however it ends. Where somebody still writes into it, removing
 * it is left to that end.
 *
 * @param variable what can name another parent
 * @throws UserError when it cannot be made
 */
export function temporaryFolder(
  prefix: string,
  parent = tmpdir(),
  variable = 'TMPDIR',
): { readonly path: string; readonly remove: () => void } {
  let path: string;
  try {
    path = mkdtempSync(join(parent, prefix));
  } catch (error) {
    throw fileSystemTrouble(error, `make a folder in ${parent} (${variable} can name another)`);
  }
  const keep = guardPath(path);
  const remove = () => {
    if (removeFolder(path)) keep();
  };
  return { path, remove };
}

/** Removes a temporary folder. False while somebody writes into it: the guardian comes to it when they are gone too. */
export function removeFolder(path: string): boolean {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: TRIES, retryDelay: PAUSE_MS });
    return true;
  } catch {
    return false;
  }
}
