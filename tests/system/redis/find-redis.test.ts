import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { UserError } from '../../../system/process/user-error.ts';
import { isOlder } from '../../../system/redis/binary.ts';
import { findRedis } from '../../../system/redis/find-redis.ts';
import { expectRefusal } from '../../support/expectations.ts';
import { disguised, realRedis, toolbox, writeScript } from '../../support/fake-programs.ts';
import { Bench, type CommandResult } from '../../support/workbook.ts';

const OLD = 'echo "Redis server v=6.2.14 sha=0"';

/** What the doctor says with nothing but these programs and this cache. */
async function doctor(
  bench: Bench,
  env: NodeJS.ProcessEnv,
): Promise<CommandResult & { text: string }> {
  const bare = {
    WORKBOOK_CACHE: join(bench.folder, 'cache'),
    PATH: env.PATH ?? toolbox(bench, {}),
  };
  const outcome = await bench.runWith({ env: { ...bare, ...env } }, 'doctor');
  return { ...outcome, text: outcome.stdout.replace(/\s+/g, ' ') };
}

describe('REDISMS_SYSTEM_BINARY', () => {
  it('names the server to run', async () => {
    const bench = new Bench();
    const binary = join(bench.folder, 'my own redis', 'redis-server');
    writeScript(binary, `exec "${await realRedis()}" "$@"`);

    const { text, code } = await doctor(bench, { REDISMS_SYSTEM_BINARY: binary });

    expect(text).toContain(`from REDISMS_SYSTEM_BINARY: ${binary}`);
    expect(text).toContain('It starts: and answers at redis://127.0.0.1:');
    expect(code).toBe(0);
  });

  it.each([
    ['a file that is not there', undefined, 'there is no file'],
    ['a program that is no Redis', 'echo hello', 'does not run as a redis-server (hello)'],
    ['a program that cannot run', 'exit 7', 'does not run as a redis-server (exit code 7)'],
    [
      'a Redis that is too old',
      'echo "Redis server v=6.2.14 sha=0"',
      'is Redis 6.2.14, and the workbook needs 7.0',
    ],
  ])('set to %s is an error, and nothing else is tried', async (_, script, reason) => {
    const bench = new Bench();
    const binary = join(bench.folder, 'redis-server');
    if (script) writeScript(binary, script);

    vi.stubEnv('REDISMS_SYSTEM_BINARY', binary);

    const finding = findRedis();

    await expect(finding).rejects.toThrow(UserError);
    await expect(finding).rejects.toThrow(
      /^REDISMS_SYSTEM_BINARY names a redis-server that cannot be used: /,
    );
    await expect(finding).rejects.toThrow(reason);
    await expect(finding).rejects.toThrow('Set it to the full path of a redis-server, or unset it');
  });
});

describe('PATH', () => {
  it('is searched for redis-server', async () => {
    const bench = new Bench();
    const PATH = toolbox(bench, {
      scripts: { 'redis-server': `exec "${await realRedis()}" "$@"` },
    });

    const { text } = await doctor(bench, { PATH });

    expect(text).toContain(`from PATH: ${join(PATH, 'redis-server')}`);
  });

  it('is searched for valkey-server too', async () => {
    const bench = new Bench();
    const script = disguised(await realRedis(), 'Valkey server v=8.0.1 sha=0');
    const PATH = toolbox(bench, { scripts: { 'valkey-server': script } });

    const { text, code } = await doctor(bench, { PATH });

    expect(text).toContain(`Redis: Valkey 8.0.1, from PATH: ${join(PATH, 'valkey-server')}`);
    expect(code).toBe(0);
  });

  it('passes over a server that is too old, and says so', async () => {
    const bench = new Bench();
    const PATH = toolbox(bench, {
      scripts: { 'redis-server': OLD, 'apt-get': '', 'dpkg-deb': '' },
    });

    const { text, code } = await doctor(bench, { PATH });

    expect(text).toContain(
      `${join(PATH, 'redis-server')} is Redis 6.2.14, and the workbook needs 7.0`,
    );
    expect(text).toContain("The first chapter fetches your system's package");
    expect(code).toBe(0);
  });

  it('goes on behind a server that is too old, and says that it was passed over', async () => {
    const bench = new Bench();
    const valkey = disguised(await realRedis(), 'Valkey server v=7.2.4 sha=0');
    const PATH = toolbox(bench, { scripts: { 'redis-server': OLD, 'valkey-server': valkey } });

    const { text, code } = await doctor(bench, { PATH });

    expect(text).toContain(
      `note Passed over: ${join(PATH, 'redis-server')} is Redis 6.2.14, and the workbook needs 7.0 or newer`,
    );
    expect(text).toContain(`Redis: Valkey 7.2.4, from PATH: ${join(PATH, 'valkey-server')}`);
    expect(code).toBe(0);
  });
});

describe("the workbook's cache", () => {
  it('is used when there is none on PATH', async () => {
    const bench = new Bench();
    writeScript(
      join(bench.folder, 'cache/redis-9/redis-server'),
      `exec "${await realRedis()}" "$@"`,
    );

    const { text } = await doctor(bench, {});

    expect(text).toContain("from the workbook's cache:");
    expect(text, 'nothing was there to be passed over').not.toContain('Passed over');
  });

  it('is used when the one on PATH is too old', async () => {
    const bench = new Bench();
    const PATH = toolbox(bench, { scripts: { 'redis-server': OLD } });
    writeScript(
      join(bench.folder, 'cache/redis-9/redis-server'),
      `exec "${await realRedis()}" "$@"`,
    );

    const { text, code } = await doctor(bench, { PATH });

    expect(text).toContain(`Passed over: ${join(PATH, 'redis-server')} is Redis 6.2.14`);
    expect(text).toContain("from the workbook's cache:");
    expect(code).toBe(0);
  });

  it('never yields what an interrupted fetch has left', async () => {
    const bench = new Bench();
    const unfinished = join(bench.folder, 'cache', 'redis-9.unfinished-x', 'redis-server');
    writeScript(unfinished, `exec "${await realRedis()}" "$@"`);

    const { text, code } = await doctor(bench, {});

    expect(text).toContain(
      'Redis: none yet (no redis-server or valkey-server on PATH; nothing in the',
    );
    expect(text).toMatch(/BAD Redis: .* -> Install Redis 7\.0 or newer: /);
    expect(code).toBe(1);
  });

  it('that cannot be made is reported with the variable that names another', async () => {
    const bench = new Bench();
    writeFileSync(join(bench.folder, 'a-file'), '');
    const env = { PATH: toolbox(bench, {}), WORKBOOK_CACHE: join(bench.folder, 'a-file', 'cache') };

    const { text, code } = await doctor(bench, env);
    const chapter = await bench.runWith({ env }, 'chapter', '1');

    expect(text).toContain('set WORKBOOK_CACHE to one that is');
    expect(code).toBe(1);
    expectRefusal(chapter, 'WORKBOOK_CACHE can name another folder');
  });

  it('may hold other things', async () => {
    const bench = new Bench();
    mkdirSync(join(bench.folder, 'cache', 'photos'), { recursive: true });

    const { text } = await doctor(bench, {});

    expect(text).toContain('none yet');
  });
});

describe('isOlder', () => {
  it.each([
    ['6.0.16', '6.2', true],
    ['6.2', '6.2', false],
    ['6.2.14', '6.2', false],
    ['6.10', '6.2', false],
    ['10.0', '6.2', false],
    ['5', '6.2', true],
  ])('%s against %s', (version, than, expected) => {
    expect(isOlder(version, than)).toBe(expected);
  });
});
