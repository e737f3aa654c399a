import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import which from 'which';
import { UserError } from '../process/user-error.ts';
import { found, type NotFound, type RedisBinary, tryBinary } from './binary.ts';
import { cacheFolder } from './cache-folder.ts';

/** A folder with this in its name is not finished: an interrupted fetch must never be mistaken for a Redis. */
export const UNFINISHED = '.unfinished-';

const SERVER_NAMES = ['redis-server', 'valkey-server'];
const CACHED_NAMES = [...SERVER_NAMES, 'memurai.exe'];

/** The outcome of a search on this machine: a Redis, or all the reasons why there is none. */
export type Search = FoundRedis | { readonly reasons: readonly string[] };

/** A Redis, and why others that came before it will not do. */
export interface FoundRedis extends RedisBinary {
  readonly passedOver: readonly string[];
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

  const missed: NotFound[] = [];
  for (const places of [binariesOnPath, binariesInCache]) {
    for await (const result of places()) {
      if (!found(result)) {
        missed.push(result);
        continue;
      }
      const passedOver = missed.filter(({ program }) => program).map(({ reason }) => reason);
      return { ...result, passedOver };
    }
  }
  return { reasons: missed.map(({ reason }) => reason) };
}

/** The Redis in the workbook's cache, or undefined. */
export async function findRedisInCache(): Promise<RedisBinary | undefined> {
  for await (const result of binariesInCache()) {
    if (found(result)) return result;
  }
  return undefined;
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

async function* binariesOnPath(): AsyncGenerator<RedisBinary | NotFound> {
  let any = false;
  for (const name of SERVER_NAMES) {
    for (const path of (await which(name, { nothrow: true, all: true })) ?? []) {
      any = true;
      yield await tryBinary(path, 'PATH');
    }
  }
  if (!any) yield { reason: `no ${SERVER_NAMES.join(' or ')} on PATH` };
}

async function* binariesInCache(): AsyncGenerator<RedisBinary | NotFound> {
  const cache = cacheFolder();
  let any = false;
  for (const entry of existsSync(cache) ? readdirSync(cache).sort().reverse() : []) {
    if (entry.includes(UNFINISHED)) continue;
    for (const name of CACHED_NAMES) {
      const path = join(cache, entry, name);
      if (!existsSync(path)) continue;
      any = true;
      yield await tryBinary(path, "the workbook's cache");
    }
  }
  if (!any) yield { reason: `nothing in the workbook's cache (${cache})` };
}
