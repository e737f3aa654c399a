import { existsSync, mkdirSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import which from 'which';
import { type Lock, takeLock } from '../lock.ts';
import { guardPath } from '../process/guardian.ts';
import { errorCode, fileSystemTrouble, UserError } from '../process/user-error.ts';
import { found, OLDEST_REDIS, type RedisBinary } from './binary.ts';
import { removeUnfinished } from './cache-entry.ts';
import { fetchPackage } from './fetch-package.ts';
import { type FetchProgress, openProgress } from './fetch-progress.ts';
import { fetchSources } from './fetch-sources.ts';
import { cacheFolder, findRedis } from './find-redis.ts';

const MEGABYTE = 1024 * 1024;
const NEEDED_MEGABYTES = 50;
const LOCK_PATIENCE = { retries: 2400, everyMs: 250 };

/**
 * Answers the one question "which redis-server do we run?": one that is here already, or else one
 * that it fetches into the workbook's cache. Two commands that ask at once fetch only once.
 *
 * @throws UserError when there is none and none can be had; it says what was tried and what to type
 */
export async function findOrFetchRedis(signal: AbortSignal): Promise<RedisBinary> {
  const search = await findRedis();
  if (found(search)) return search;

  const progress = openProgress();
  try {
    while (true) {
      const lock = await lockCache(progress);
      try {
        const fetchedMeanwhile = await findRedis();
        if (found(fetchedMeanwhile)) return fetchedMeanwhile;
        removeUnfinished();
        demandSpace();
        return await fetchRedis(search.reasons, progress, AbortSignal.any([signal, lock.lost]));
      } catch (error) {
        // Whoever has the lock now clears our unfinished fetch away, and gets a Redis: wait for that one.
        if (!lock.lost.aborted || signal.aborted) throw error;
      } finally {
        await lock.release();
      }
    }
  } finally {
    progress.end();
  }
}

async function fetchRedis(
  reasons: readonly string[],
  progress: FetchProgress,
  signal: AbortSignal,
): Promise<RedisBinary> {
  const tried = [...reasons];
  for (const fetch of [fetchPackage, fetchSources]) {
    const result = await fetch(progress, signal);
    if (found(result)) {
      progress.end(`Got ${result.name} ${result.version} (${result.source}).`);
      return result;
    }
    tried.push(result.reason);
  }
  const message = [
    `There is no Redis (${OLDEST_REDIS} or newer) on this machine, and none could be fetched:`,
    ...tried.map((reason) => `  - ${reason}`),
    '',
    'Install one, then try again:',
    `  ${installCommand()}`,
    'Or name one that you have: set REDISMS_SYSTEM_BINARY to the path of its redis-server.',
    'Or use one that runs elsewhere: set REDIS_URL to its address, for chapters and the prompt.',
  ];
  throw new UserError(message.join('\n'));
}

/** Of each family of systems: the tool that installs, and how it is called. */
const INSTALLERS: readonly (readonly [RegExp, string, string])[] = [
  [/debian|ubuntu/, 'apt-get', 'apt-get update && apt-get install redis-server'],
  [/fedora|rhel|centos|rocky|alma/, 'dnf', 'dnf install valkey'],
  [/suse/, 'zypper', 'zypper install redis'],
  [/arch|manjaro/, 'pacman', 'pacman -S valkey'],
  [/alpine/, 'apk', 'apk add redis'],
];

/** What a person types on this system to get a Redis; in words, where the tool for it is not there. */
export function installCommand(): string {
  const has = (tool: string) => which.sync(tool, { nothrow: true }) !== null;
  if (process.platform === 'win32') return 'winget install Memurai.MemuraiDeveloper   (or use WSL)';
  const release = '/etc/os-release';
  const system = existsSync(release) ? readFileSync(release, 'utf8') : '';
  const known = (system.match(/^ID(?:_LIKE)?=.*$/gm) ?? []).join(' ').toLowerCase();
  const installer = INSTALLERS.find(([family, tool]) => family.test(known) && has(tool));
  if (installer) {
    const [, tool, command] = installer;
    const needsSudo = process.getuid?.() !== 0 && has('sudo');
    return needsSudo ? command.replaceAll(`${tool} `, `sudo ${tool} `) : command;
  }
  if (process.platform === 'darwin' || has('brew')) return 'brew install redis';
  return "your system's own way to install programs, for redis or valkey";
}

/**
 * Stops a fetch that cannot end well before it begins; tools on a full disk say strange things.
 *
 * @throws UserError when the cache's disk is nearly full
 */
function demandSpace(): void {
  const { bavail, bsize } = statfsSync(cacheFolder());
  const free = (bavail * bsize) / MEGABYTE;
  if (free >= NEEDED_MEGABYTES) return;
  throw new UserError(
    `The disk is full: ${free.toFixed(1)} MB are free in ${cacheFolder()}, and fetching a Redis ` +
      `takes about ${NEEDED_MEGABYTES} MB.\n` +
      'Make room there, or set WORKBOOK_CACHE to a folder on another disk.',
  );
}

/** Makes this command the only one that fetches; waits, and says so, while another one does. */
async function lockCache(progress: FetchProgress): Promise<Lock> {
  const cache = cacheFolder();
  const path = join(cache, 'fetch.lock');
  try {
    mkdirSync(cache, { recursive: true });
    const { lost, release } = await takeLock(path).catch((error) => {
      if (errorCode(error) !== 'ELOCKED') throw error;
      progress.step('Another command is fetching a Redis; waiting for it ...');
      return takeLock(path, LOCK_PATIENCE);
    });
    const keep = guardPath(path);
    lost.addEventListener('abort', keep);
    return {
      lost,
      release: async () => {
        await release();
        keep();
      },
    };
  } catch (error) {
    throw fileSystemTrouble(error, `write to ${cache} (WORKBOOK_CACHE can name another folder)`);
  }
}
