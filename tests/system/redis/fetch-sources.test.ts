import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PINNED_VERSION } from '../../../system/redis/fetch-sources.ts';
import { expectNothingLeft, expectRefusal } from '../../support/expectations.ts';
import { realRedis, sourceArchive, toolbox } from '../../support/fake-programs.ts';
import { Bench, type CommandResult } from '../../support/workbook.ts';

// The mirror is a server of the test's own; the version is one whose checksum nobody knows.
const UNKNOWN_VERSION = '7.2.99';
const CACHE = 'a cache with spaces';
/** What the tests themselves put into a bench. */
const FILES = ['toolbox', 'redis-source', 'source.tar.gz', CACHE];

type Answer = (response: ServerResponse) => void;

/** Starts a mirror, and returns its address and the paths that it was asked for. */
async function mirror(answer: Answer): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return { url: `http://127.0.0.1:${port}`, asked };
}

function send(file: string): Answer {
  const bytes = readFileSync(file);
  return (response) => response.setHeader('content-length', bytes.length).end(bytes);
}

function buildEnvironment(bench: Bench, url: string, version = UNKNOWN_VERSION): NodeJS.ProcessEnv {
  return {
    PATH: toolbox(bench, { real: ['make', 'cc', 'cp', 'mkdir', 'chmod', 'sleep', 'env'] }),
    WORKBOOK_CACHE: join(bench.folder, CACHE),
    REDISMS_DOWNLOAD_MIRROR: url,
    REDISMS_VERSION: version,
  };
}

async function tryToBuild(bench: Bench, env: NodeJS.ProcessEnv): Promise<CommandResult> {
  const outcome = await bench.runWith({ env }, 'cli', '--own', 'PING');
  await expectNothingLeft(bench, ...FILES);
  return outcome;
}

function expectNothingCached(env: NodeJS.ProcessEnv): void {
  expect(readdirSync(env.WORKBOOK_CACHE ?? '')).toEqual([]);
}

describe('Redis from its sources', () => {
  it('is downloaded, compiled, and found in the cache the next time', async () => {
    const bench = new Bench();
    const makefile = `all:\n\t@printf '#!/bin/sh\\nexec "%s" "$$@"\\n' "${await realRedis()}" > src/redis-server\n\tchmod +x src/redis-server\n`;
    const { url, asked } = await mirror(send(sourceArchive(bench, makefile)));
    const env = buildEnvironment(bench, url);

    const first = await tryToBuild(bench, env);
    const second = await tryToBuild(bench, env);

    expect(asked).toEqual([`/releases/redis-${UNKNOWN_VERSION}.tar.gz`]);
    expect(first.stdout).toBe('PONG\n');
    expect(first.stderr).toContain(`Downloading Redis ${UNKNOWN_VERSION} ...`);
    expect(first.stderr).toContain('(built from source).');
    expect(second).toMatchObject({ stdout: 'PONG\n', stderr: '', code: 0 });
    expect(readdirSync(env.WORKBOOK_CACHE ?? '')).toEqual([`redis-${UNKNOWN_VERSION}`]);
  });

  it('is not compiled when its checksum is wrong', async () => {
    const bench = new Bench();
    const made = join(bench.folder, 'made');
    const { url } = await mirror(send(sourceArchive(bench, `all:\n\tmkdir "${made}"\n`)));
    const env = buildEnvironment(bench, url, PINNED_VERSION);

    const outcome = await tryToBuild(bench, env);

    expectRefusal(outcome, 'the checksum of the downloaded archive is wrong');
    expect(readdirSync(bench.folder)).not.toContain('made');
    expectNothingCached(env);
  });

  it.each<[string, Answer, string]>([
    [
      'does not have it',
      (response) => response.writeHead(404).end(),
      'does not have this version (404)',
    ],
    [
      'is out of order',
      (response) => response.writeHead(500).end(),
      'the server answers with an error',
    ],
    [
      'sends something else',
      (response) => response.setHeader('content-length', 5).end('hello'),
      'could not be downloaded and built (',
    ],
    [
      'breaks off in the middle',
      (response) => {
        response.setHeader('content-length', 1000).write('half of it');
        setImmediate(() => response.destroy());
      },
      'the connection broke off',
    ],
  ])('is given up when the mirror %s', async (_, answer, message) => {
    const bench = new Bench();
    const { url } = await mirror(answer);
    const env = buildEnvironment(bench, url);

    const outcome = await tryToBuild(bench, env);

    expectRefusal(outcome, message);
    expect(outcome.stderr).toContain('There is no Redis (7.0 or newer) on this machine');
    expect(outcome.stderr).not.toMatch(/Couldnt|isnt|RedisMemoryServer/);
    expectNothingCached(env);
  });

  it('is given up when the mirror sends nothing for too long', async () => {
    const bench = new Bench();
    const { url } = await mirror((response) => response.setHeader('content-length', 9).write('h'));
    const env = { ...buildEnvironment(bench, url), WORKBOOK_STALLED_MS: '100' };

    const outcome = await tryToBuild(bench, env);

    expectRefusal(outcome, `the download of Redis ${UNKNOWN_VERSION} does not move`);
    expectNothingCached(env);
  });

  it('is given up when nobody answers', async () => {
    const bench = new Bench();
    const env = buildEnvironment(bench, 'http://127.0.0.1:1');

    const outcome = await tryToBuild(bench, env);

    expectRefusal(outcome, '(nobody answers at 127.0.0.1:1 (ECONNREFUSED))');
    expect(outcome.stderr).not.toContain('Couldnt');
    expectNothingCached(env);
  });

  it('is given up when there is no network, in words of our own', async () => {
    const bench = new Bench();
    const env = buildEnvironment(bench, 'http://nowhere.invalid');

    const outcome = await tryToBuild(bench, env);

    expectRefusal(outcome, /\(nowhere\.invalid cannot be found \(E\w+\): is there a network\?\)/);
    expect(outcome.stderr).not.toMatch(/Couldnt|apt-get install/);
    expectNothingCached(env);
  });

  it('is given up when the compiler fails, with what it said first', async () => {
    const bench = new Bench();
    const makefile = 'all:\n\techo "server.c:1: fatal error: no such header" >&2; exit 1\n';
    const { url } = await mirror(send(sourceArchive(bench, makefile)));
    const env = buildEnvironment(bench, url);

    const outcome = await tryToBuild(bench, env);

    expectRefusal(outcome, 'server.c:1: fatal error: no such header');
    expectNothingCached(env);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'leaves no compiler running when it is interrupted by %s',
    async (signal) => {
      const bench = new Bench();
      const { url } = await mirror(send(sourceArchive(bench, 'all:\n\tsleep 1000\n')));
      const env = buildEnvironment(bench, url);
      const building = bench.startWith({ env }, 'chapter', '1');
      await expect
        .poll(() => bench.survivors().join(), { timeout: 20_000 })
        .toContain('sleep 1000');

      if (signal === 'SIGINT') building.ctrlC();
      else building.kill(signal);
      await building.ended;

      await expectNothingLeft(bench, ...FILES);
      await expect
        .poll(() => readdirSync(env.WORKBOOK_CACHE ?? ''), { timeout: 15_000 })
        .toEqual([]);
    },
  );
});
