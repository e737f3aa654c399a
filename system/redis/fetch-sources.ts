import { cpSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import which from 'which';
import { ROOT } from '../paths.ts';
import { run } from '../process/run-program.ts';
import { temporaryFolder } from '../process/temporary-folder.ts';
import type { NotFound, RedisBinary } from './binary.ts';
import { addToCache } from './cache-entry.ts';
import type { FetchProgress } from './fetch-progress.ts';

/** The last line of Redis whose sources need nothing but `make` and a C compiler. */
export const PINNED_VERSION = '7.2.12';

const WORKER = join(ROOT, 'system', 'redis', 'compile-redis.cjs');
const STALLED_MS = Number(process.env.WORKBOOK_STALLED_MS ?? 60_000);
const LOOK_EVERY_MS = 1000;
const SERVER = process.platform === 'win32' ? 'memurai.exe' : 'redis-server';

/**
 * Downloads the sources of Redis and compiles them, with redis-memory-server (on Windows it brings
 * Memurai instead). `REDISMS_DOWNLOAD_MIRROR` and `REDISMS_VERSION` are honoured.
 */
export async function fetchSources(
  progress: FetchProgress,
  signal: AbortSignal,
): Promise<RedisBinary | NotFound> {
  if (process.platform !== 'win32') {
    for (const tool of ['make', 'cc']) {
      if (!(await which(tool, { nothrow: true }))) {
        return { reason: `no ${tool} here to compile Redis with` };
      }
    }
  }
  const version = process.env.REDISMS_VERSION || PINNED_VERSION;
  return addToCache(`redis-${version}`, 'built from source', async (folder) => {
    // Not in the cache: the makefiles of Redis cannot do with a space in their path.
    const workshop = temporaryFolder('redis-streams-build-');
    try {
      const failure = await build(version, workshop.path, progress, signal);
      if (failure) return failure;
      cpSync(join(workshop.path, version), folder, { recursive: true });
      return { server: SERVER };
    } finally {
      workshop.remove();
    }
  });
}

async function build(
  version: string,
  workshop: string,
  progress: FetchProgress,
  signal: AbortSignal,
): Promise<NotFound | undefined> {
  progress.step(`Downloading Redis ${version} ...`);
  const stalled = new AbortController();
  let size = -1;
  let movedAt = Date.now();
  const watch = setInterval(() => {
    // The archive is called `….downloading` until it is complete: its size tells how it goes.
    const files = readdirSync(workshop);
    const partial = files.find((file) => file.endsWith('.downloading'));
    if (!partial && files.length > 0) {
      clearInterval(watch);
      return progress.step(`Compiling Redis ${version}; this takes a minute or two ...`);
    }
    const status = partial && statSync(join(workshop, partial), { throwIfNoEntry: false });
    const now = status ? status.size : 0;
    if (now !== size) movedAt = Date.now();
    else if (Date.now() - movedAt > STALLED_MS) stalled.abort();
    size = now;
  }, LOOK_EVERY_MS);

  // redis-memory-server checks certificates only when npm is told to be strict about them.
  const settings = { npm_config_strict_ssl: 'true', MAKEFLAGS: `-j${availableParallelism()}` };
  try {
    const { code, output } = await run(process.execPath, [WORKER, version, workshop], {
      env: { ...process.env, ...settings },
      signal: AbortSignal.any([signal, stalled.signal]),
    });
    if (code === 0) return undefined;
    return { reason: `Redis ${version} could not be downloaded and built (${complaint(output)})` };
  } catch (error) {
    if (signal.aborted || !stalled.signal.aborted) throw error;
    return { reason: `the download of Redis ${version} does not move` };
  } finally {
    clearInterval(watch);
  }
}

/** What the compiler and its helpers say when they give up; configure scripts talk of errors all the time. */
const TELLING = /error:|undefined reference|: not found|Error \d+$|checksum of|broke off/;

/** What redis-memory-server says of a download, in our words. */
const OF_DOWNLOADS: readonly (readonly [RegExp, string])[] = [
  [/(ENOTFOUND|EAI_AGAIN) (\S+)/, '$2 cannot be found ($1): is there a network?'],
  [/(ENETUNREACH|EHOSTUNREACH) (\S+)/, 'no way leads to $2 ($1): is there a network?'],
  [/(ECONNREFUSED) (\S+)/, 'nobody answers at $2 ($1)'],
  [/Couldnt download \S+ (.+)/, '$1'],
  [/Status Code is 404/, 'the server does not have this version (404)'],
  [/Status Code isnt 200/, 'the server answers with an error'],
  [/Too small|"content-length" is empty/, 'not all of it has come'],
  [/TAR_|unsupported archive/, 'what has come is no archive'],
];

/** The line of a failed build that says most: the first complaint is the cause of the later ones. */
function complaint(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  for (const line of lines) {
    for (const [theirs, ours] of OF_DOWNLOADS) {
      const [said] = theirs.exec(line) ?? [];
      if (said) return said.replace(theirs, ours);
    }
    if (TELLING.test(line)) return shortened(line);
  }
  return shortened(lines.at(-1) ?? 'it said nothing');
}

function shortened(line: string): string {
  return line.trim().slice(0, 200);
}
