import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectNothingLeft, expectRefusal } from '../../support/expectations.ts';
import { realRedis, toolbox, writeScript } from '../../support/fake-programs.ts';
import { Bench } from '../../support/workbook.ts';

const WAIT = { timeout: 15_000 };

/**
 * An apt-get that "downloads" an empty file after `meanwhile`, and a dpkg-deb that unpacks it to a
 * redis-server. Each call of apt-get leaves a line in the file `calls`.
 */
async function fakePackage(bench: Bench, meanwhile = ''): Promise<NodeJS.ProcessEnv> {
  const download = [
    `echo "$@" >> "${bench.folder}/calls"`,
    meanwhile,
    'for word in "$@"; do case $word in Dir::Cache::archives=*) folder=$(expr "$word" : "[^=]*=\\(.*\\)");; esac; done',
    ': > "$folder/redis.deb"',
  ];
  const unpack = [
    'mkdir -p "$3/usr/bin"',
    `printf '#!/bin/sh\\nexec "%s" "$@"\\n' "${await realRedis()}" > "$3/usr/bin/redis-server"`,
    'chmod +x "$3/usr/bin/redis-server"',
  ];
  const PATH = toolbox(bench, {
    real: ['mkdir', 'chmod', 'sleep', 'expr'],
    scripts: { 'apt-get': download.join('\n'), 'dpkg-deb': unpack.join('\n') },
  });
  return { PATH, WORKBOOK_CACHE: join(bench.folder, 'cache') };
}

const calls = (bench: Bench) =>
  existsSync(join(bench.folder, 'calls'))
    ? readFileSync(join(bench.folder, 'calls'), 'utf8').trim().split('\n')
    : [];

describe('getting a Redis', () => {
  it('fetches once, and finds it in the cache the next time', async () => {
    const bench = new Bench();
    const env = await fakePackage(bench);

    const first = await bench.runWith({ env }, 'cli', '--own', 'PING');
    const second = await bench.runWith({ env }, 'cli', '--own', 'PING');

    expect(first.stdout).toBe('PONG\n');
    expect(first.stderr).toContain(
      "Fetching your system's Redis package (nothing is installed) ...",
    );
    expect(second).toMatchObject({ stdout: 'PONG\n', stderr: '', code: 0 });
    expect(calls(bench)).toHaveLength(1);
  });

  it('fetches once when four commands ask at the same time', async () => {
    const bench = new Bench();
    const env = await fakePackage(bench, 'sleep 1');

    const outcomes = await Promise.all(
      [1, 2, 3, 4].map(() => bench.runWith({ env }, 'cli', '--own', 'PING')),
    );

    expect(outcomes.map(({ stdout }) => stdout)).toEqual(Array(4).fill('PONG\n'));
    expect(
      outcomes.filter(({ stderr }) => stderr.includes('Another command is fetching')),
    ).not.toEqual([]);
    expect(calls(bench)).toHaveLength(1);
    expect(readdirSync(join(bench.folder, 'cache'))).toEqual(['system-package']);
  });

  it('gives way to a command that took over while this machine slept, and waits for it', async () => {
    const bench = new Bench();
    const waiting = join(bench.folder, 'waiting');
    writeFileSync(waiting, '');
    const env = await fakePackage(bench, `while [ -e "${waiting}" ]; do sleep 0.1; done`);
    const sleeper = bench.startWith({ env }, 'cli', '--own', 'PING');
    await expect.poll(() => calls(bench), WAIT).toHaveLength(1);

    const lock = join(bench.folder, 'cache', 'fetch.lock');
    rmdirSync(lock);
    mkdirSync(lock);
    await sleeper.says(/Another command is fetching/);
    rmSync(waiting);
    rmdirSync(lock);
    const { stdout, stderr, code } = await sleeper.ended;

    expect(stdout).toBe('PONG\n');
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(0);
    expect(readdirSync(join(bench.folder, 'cache'))).toEqual(['system-package']);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'that is interrupted by %s leaves nothing half done, and the next command succeeds',
    async (signal) => {
      const bench = new Bench();
      const waiting = join(bench.folder, 'waiting');
      writeFileSync(waiting, '');
      const env = await fakePackage(bench, `while [ -e "${waiting}" ]; do sleep 0.1; done`);
      const fetching = bench.startWith({ env }, 'chapter', '1');
      await expect.poll(() => calls(bench), WAIT).toHaveLength(1);

      if (signal === 'SIGINT') fetching.ctrlC();
      else fetching.kill(signal);
      await fetching.ended;

      await expectNothingLeft(bench, 'calls', 'waiting', 'toolbox', 'cache');
      await expect.poll(() => readdirSync(join(bench.folder, 'cache')), WAIT).toEqual([]);
      rmSync(waiting);
      const next = await bench.runWith({ env }, 'cli', '--own', 'PING');
      expect(next.stdout).toBe('PONG\n');
    },
  );

  it('clears away what an earlier fetch has left, and replaces a server that no longer runs', async () => {
    const bench = new Bench();
    const env = await fakePackage(bench);
    const cache = join(bench.folder, 'cache');
    writeScript(join(cache, 'redis-7.unfinished-abc', 'redis-server'), 'exit 1');
    writeScript(
      join(cache, 'system-package', 'redis-server'),
      'echo "a library is missing"; exit 127',
    );

    const { stdout } = await bench.runWith({ env }, 'cli', '--own', 'PING');

    expect(stdout).toBe('PONG\n');
    expect(readdirSync(cache)).toEqual(['system-package']);
  });

  it('that fails in every way ends in one message: what was tried, and what to type', async () => {
    const bench = new Bench();
    const env = { PATH: toolbox(bench, {}), WORKBOOK_CACHE: join(bench.folder, 'cache') };

    const outcome = await bench.runWith({ env }, 'chapter', '1');
    const { stderr } = outcome;

    expectRefusal(
      outcome,
      /^There is no Redis \(7\.0 or newer\) on this machine, and none could be fetched:\n/,
    );
    expect(stderr).toContain('  - no redis-server or valkey-server on PATH\n');
    expect(stderr).toContain("  - nothing in the workbook's cache");
    expect(stderr).toContain('  - no apt-get here to get a package with\n');
    expect(stderr).toContain('  - no make here to compile Redis with\n');
    expect(stderr).toMatch(/Install one, then try again:\n {2}\S/);
    expect(stderr, 'there is no such tool here').not.toMatch(/sudo|apt-get install/);
    expect(stderr).toContain('REDISMS_SYSTEM_BINARY');
    expect(readdirSync(join(bench.folder, 'cache'))).toEqual([]);
  });

  it('names the tool that installs on this system, where it is there', async () => {
    const bench = new Bench();
    const scripts = Object.fromEntries(
      ['apt-get', 'dnf', 'zypper', 'pacman', 'apk', 'brew'].map((tool) => [tool, 'exit 1']),
    );
    const env = { PATH: toolbox(bench, { scripts }), WORKBOOK_CACHE: join(bench.folder, 'cache') };

    const outcome = await bench.runWith({ env }, 'chapter', '1');

    expectRefusal(outcome, /then try again:\n {2}(apt-get|dnf|zypper|pacman|apk|brew) /);
  });
});
