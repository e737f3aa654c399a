import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import type { RedisBinary } from '../../../system/redis/binary.ts';
import { startServer } from '../../../system/redis/start-server.ts';
import { realRedis, writeScript } from '../../support/fake-programs.ts';
import { testServer } from '../../support/redis.ts';
import { Bench } from '../../support/workbook.ts';

const binary = (path: string): RedisBinary => ({
  path,
  name: 'Redis',
  version: '7.0',
  source: 'PATH',
});

describe('startServer', () => {
  it('listens on the loopback interface only, and saves nothing', async () => {
    const { redis } = await testServer();

    expect(await redis.config('GET', 'bind')).toEqual(['bind', '127.0.0.1']);
    expect(await redis.config('GET', 'save')).toEqual(['save', '']);
    expect(await redis.config('GET', 'appendonly')).toEqual(['appendonly', 'no']);
  });

  it('works in a folder of its own, which goes with it', async () => {
    const { server, redis } = await testServer();
    const [, folder = ''] = (await redis.config('GET', 'dir')) as string[];
    await redis.set('a', 1);
    await redis.save();

    redis.disconnect();
    await server.stop();

    expect(folder).toContain('redis-streams-');
    expect(existsSync(folder)).toBe(false);
  });

  it('starts a server whose path has spaces and letters that are not ASCII', async () => {
    const bench = new Bench();
    const path = join(bench.folder, 'mit Umlaut ä', 'redis-server');
    writeScript(path, `exec "${await realRedis()}" "$@"`);

    const server = await startServer(binary(path));
    const redis = new Redis(server.url);
    const answer = await redis.ping();
    redis.disconnect();
    await server.stop();

    expect(answer).toBe('PONG');
  });

  it('tries another port when the first one has just been taken', async () => {
    const bench = new Bench();
    const path = join(bench.folder, 'redis-server');
    const tried = join(bench.folder, 'tried');
    writeScript(
      path,
      `[ -e "${tried}" ] && exec "${await realRedis()}" "$@"`,
      `: > "${tried}"`,
      'echo "Warning: Could not create server TCP listening socket 127.0.0.1:1: bind: Address already in use"',
      'exit 1',
    );

    const server = await startServer(binary(path));
    await server.stop();

    expect(readFileSync(tried, 'utf8')).toBe('');
    expect(server.url).toMatch(/^redis:/);
  });

  it.each([
    ['with what it printed', 'echo "bad directive"; exit 1', /does not start:\nbad directive/],
    ['also when it says nothing', 'exit 1', /does not start:\nit printed nothing\./],
  ])('fails when the server ends at once, %s', async (_, script, message) => {
    const bench = new Bench();
    const path = join(bench.folder, 'redis-server');
    writeScript(path, script);

    await expect(startServer(binary(path))).rejects.toThrow(message);
  });

  it('fails when the file cannot be executed', async () => {
    const bench = new Bench();
    mkdirSync(join(bench.folder, 'redis-server'));

    await expect(startServer(binary(join(bench.folder, 'redis-server')))).rejects.toThrow(/EACCES/);
  });
});
