import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import envPaths from 'env-paths';

/** The folder of this clone of the workbook. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

export const CHAPTERS = join(ROOT, 'chapters');

/** What belongs to this clone and is not worth keeping in git: the shared server, the prompt's history. */
export const STATE = process.env.WORKBOOK_STATE
  ? resolve(process.env.WORKBOOK_STATE)
  : join(ROOT, '.workbook');

/**
 * What is dear to fetch and the same for every clone: a redis-server. Outside the clone, so that
 * neither `npm ci` nor a second clone has to fetch it again.
 */
export function cacheFolder(): string {
  if (process.env.WORKBOOK_CACHE) return resolve(process.env.WORKBOOK_CACHE);
  return envPaths('redis-streams-workbook', { suffix: '' }).cache;
}

/** Where servers put their working folders, which live no longer than they do. */
export const TEMPORARY = tmpdir();
