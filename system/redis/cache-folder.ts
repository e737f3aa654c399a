import { resolve } from 'node:path';
import envPaths from 'env-paths';

/**
 * The folder for a Redis that was fetched: dear to get, and the same for every clone. It lies outside
 * the clone, so that neither `npm ci` nor a second clone has to fetch it again.
 */
export function cacheFolder(): string {
  if (process.env.WORKBOOK_CACHE) return resolve(process.env.WORKBOOK_CACHE);
  return envPaths('redis-streams-workbook', { suffix: '' }).cache;
}
