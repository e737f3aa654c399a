import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import envPaths from 'env-paths';
import which from 'which';
import { UserError } from '../process/user-error.ts';
import { found, type RedisBinary, tryBinary } from './binary.ts';

/** A folder with this in its name is not finished: an interrupted fetch must never be mistaken for a Redis. */
export const UNFINISHED = '.unfinished-';

const SERVER_NAMES = ['redis-server', 'valkey-server'];
const CACHED_NAMES = [...SERVER_NAMES, 'memurai.exe'];

/** A Redis, and why others that came before it will not do; or all the reasons why there is none. */
type Search =
  | (RedisBinary & { readonly passedOver: readonly string[] })
  | { readonly reasons: readonly string[] };

/**
 * The folder for a Redis that was fetched: dear to get, and the same for every clone. It lies outside
 * the clone, so that neither `npm ci` nor a second clone has to fetch it again.
 */
export function cacheFolder(): string {
  if (process.env.WORKBOOK_CACHE) return resolve(process.env.WORKBOOK_CACHE);
  return envPaths('redis-streams-workbook', { suffix: '' }).cache;
}

/**
 * Looks for a redis-server that is here already, without fetching anything: the one that
 * `REDISMS_SYSTEM_BINARY` names, one on PATH, one in the workbook's cache.
 *
 * @throws UserError when `REDISMS_SYSTEM_BINARY` is set to something that will not do: what somebody
 *   chose on purpose is not passed over in silence
 */
export async function findRedis(): Promise<Search> {
  const chosen = await chosenBinary();
  if (chosen) return { ...chosen, passedOver: [] };

  const reasons: string[] = [];
  const passedOver: string[] = [];
  const cached = "the workbook's cache";
  const places = [
    ['PATH', await programsOnPath(), `no ${SERVER_NAMES.join(' or ')} on PATH`],
    [cached, programsInCache(), `nothing in ${cached} (${cacheFolder()})`],
  ] as const;
  for (const [source, paths, nothing] of places) {
    if (paths.length === 0) reasons.push(nothing);
    for (const path of paths) {
      const result = await tryBinary(path, source);
      if (found(result)) return { ...result, passedOver };
      passedOver.push(result.reason);
      reasons.push(result.reason);
    }
  }
  return { reasons };
}

async function chosenBinary(): Promise<RedisBinary | undefined> {
  const variable = 'REDISMS_SYSTEM_BINARY';
  const value = process.env[variable];
  if (!value) return undefined;

  const path = resolve(value);
  const result = existsSync(path)
    ? await tryBinary(path, variable)
    : { reason: `there is no file ${path}` };
  if (found(result)) return result;
  throw new UserError(
    `${variable} names a redis-server that cannot be used: ${result.reason}.\n` +
      'Set it to the full path of a redis-server, or unset it and let the workbook look for one.',
  );
}

async function programsOnPath(): Promise<string[]> {
  const options = { nothrow: true, all: true } as const;
  const paths = await Promise.all(SERVER_NAMES.map((name) => which(name, options)));
  return paths.flatMap((some) => some ?? []);
}

function programsInCache(): string[] {
  const cache = cacheFolder();
  if (!existsSync(cache)) return [];
  return readdirSync(cache)
    .filter((entry) => !entry.includes(UNFINISHED))
    .sort()
    .reverse()
    .flatMap((entry) => CACHED_NAMES.map((name) => join(cache, entry, name)))
    .filter((path) => existsSync(path));
}
