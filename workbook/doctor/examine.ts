import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import which from 'which';
import { findWalls } from '../../grader/classroom/isolation/find-walls.ts';
import { ROOT, STATE } from '../../system/paths.ts';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { errorMessage } from '../../system/process/user-error.ts';
import { findCli, found, OLDEST_REDIS, type RedisBinary } from '../../system/redis/binary.ts';
import { installCommand } from '../../system/redis/fetch-redis.ts';
import { cacheFolder, findRedis } from '../../system/redis/find-redis.ts';
import { findLearnersServer, hidePassword } from '../../system/redis/find-server.ts';
import { findSharedServer } from '../../system/redis/shared-server.ts';
import { freePort, startServer } from '../../system/redis/start-server.ts';

const STACK = ['ioredis', 'redis-memory-server', 'tsx', 'typescript', 'vitest'];

export interface Diagnosis {
  readonly state: 'ok' | 'note' | 'bad';
  readonly what: string;
  readonly finding: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** Looks at all that the workbook needs. Fetches nothing; starts the Redis that it finds, once. */
export async function* examine(lifetime: Lifetime): AsyncGenerator<Diagnosis> {
  yield ok('Node', `${process.versions.node} (20.19 or newer is needed)`);
  yield npm();
  yield stack();
  yield* redis(lifetime);
  yield await port();
  yield writable('Cache for a fetched Redis', cacheFolder(), 'set WORKBOOK_CACHE to one that is');
  yield writable('Folder for your own state', STATE, 'set WORKBOOK_STATE to one that is');
  yield writable('Temporary folder', tmpdir(), 'set TMPDIR to one that is');
  yield terminal();
  yield await walls();
}

function npm(): Diagnosis {
  const version = /npm\/(\S+)/.exec(process.env.npm_config_user_agent ?? '')?.[1];
  const finding = version ?? 'not asked: this was not started with npm run';
  return { state: version ? 'ok' : 'note', what: 'npm', finding };
}

function stack(): Diagnosis {
  const require = createRequire(import.meta.url);
  const missing: string[] = [];
  const versions = STACK.map((name) => {
    try {
      const path = join(ROOT, 'node_modules', name, 'package.json');
      require.resolve(name);
      const { version }: { version: string } = JSON.parse(readFileSync(path, 'utf8'));
      return `${name} ${version}`;
    } catch {
      missing.push(name);
      return `${name} is missing`;
    }
  });
  const finding = versions.join(', ');
  if (missing.length === 0) return ok('Packages', finding);
  return { state: 'bad', what: 'Packages', finding, advice: 'Type: npm ci' };
}

async function* redis(lifetime: Lifetime): AsyncGenerator<Diagnosis> {
  try {
    const own = await findLearnersServer();
    if (own) {
      const finding = `${own.name} ${own.version} at ${hidePassword(own.url)}`;
      yield ok('REDIS_URL', finding, 'Chapters and the prompt use it.');
    }
  } catch (error) {
    const [finding = '', ...advice] = errorMessage(error).split('\n');
    yield { state: 'bad', what: 'REDIS_URL', finding, advice: advice.join(' ') };
  }

  const shared = await findSharedServer();
  if (shared) yield ok('Shared server', `${shared.name} ${shared.version} at ${shared.url}`);

  try {
    const search = await findRedis();
    if (found(search)) {
      for (const finding of search.passedOver) {
        yield { state: 'note', what: 'Passed over', finding };
      }
      yield* binary(search, lifetime);
    } else yield await fetchable(search.reasons);
  } catch (error) {
    yield bad('Redis', error);
  }
}

async function* binary(server: RedisBinary, lifetime: Lifetime): AsyncGenerator<Diagnosis> {
  yield ok('Redis', `${server.name} ${server.version}, from ${server.source}: ${server.path}`);
  try {
    const running = await startServer(server);
    lifetime.atEnd(running.stop);
    yield ok('It starts', `and answers at ${running.url}`);
    await running.stop();
  } catch (error) {
    yield bad('It starts', error, `Try: ${installCommand()}`);
  }
  const cli = await findCli(server);
  yield ok('redis-cli', cli ?? "none; npm run cli uses the workbook's own prompt");
}

/** Nothing is here yet. Can the first command that needs a Redis fetch one? */
async function fetchable(reasons: readonly string[]): Promise<Diagnosis> {
  const has = async (...tools: string[]) => {
    for (const tool of tools) if (!(await which(tool, { nothrow: true }))) return false;
    return true;
  };
  const finding = `none yet (${reasons.join('; ')})`;
  if (await has('apt-get', 'dpkg-deb')) {
    const advice =
      "The first chapter fetches your system's package: seconds, nothing is installed.";
    return { state: 'note', what: 'Redis', finding, advice };
  }
  if (process.platform === 'win32' || (await has('make', 'cc'))) {
    const advice = `The first chapter downloads and builds one: a minute or two. Quicker: ${installCommand()}`;
    return { state: 'note', what: 'Redis', finding, advice };
  }
  const advice = `Install Redis ${OLDEST_REDIS} or newer: ${installCommand()}`;
  return { state: 'bad', what: 'Redis', finding, advice };
}

async function port(): Promise<Diagnosis> {
  try {
    return ok('Free port', `${await freePort()}, for example`);
  } catch (error) {
    const advice = 'Something keeps programs from listening on 127.0.0.1: a sandbox, a firewall?';
    return bad('Free port', error, advice);
  }
}

function writable(what: string, folder: string, otherwise: string): Diagnosis {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return ok(what, folder);
  } catch (error) {
    return bad(what, error, `Make the folder writable, or ${otherwise}.`);
  }
}

/** What can stand between strangers' submissions and this machine, for those who grade a class. */
async function walls(): Promise<Diagnosis> {
  const what = "Walls around strangers' code (grade --class, --walls)";
  const found = await findWalls();
  const there = found.filter(({ missing }) => missing === undefined).map(({ wall }) => wall);
  const lacking = found.filter(({ missing }) => missing !== undefined);
  const why = lacking.map(({ wall, missing }) => `no ${wall}: ${missing}`);
  const finding = [there.join(', '), ...why].join('; ');
  const advice = lacking.flatMap(({ advice }) => advice ?? []).at(0);
  return ok(what, finding, advice && `For a sandbox, ${advice}`);
}

function terminal(): Diagnosis {
  const { columns, rows, isTTY } = process.stdout;
  return ok('Terminal', isTTY ? `${columns} x ${rows}` : 'none: plain output, no colours');
}

function ok(what: string, finding: string, advice?: string): Diagnosis {
  return { state: 'ok', what, finding, advice };
}

function bad(what: string, error: unknown, advice?: string): Diagnosis {
  return { state: 'bad', what, finding: errorMessage(error), advice };
}
