import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { testServer } from '../support/redis.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { Bench, type Running } from '../support/workbook.ts';

// The programs that run until Ctrl+C, while their connection falls silent, breaks, or is refused.

const WAIT = { timeout: 20_000 };
const STREAM = 'sensor_readings';

/** A test's server, a proxy before it, and a place where programs run that find the proxy. */
async function proxied() {
  const { server, redis } = await testServer();
  const proxy = await TcpProxy.open(server.url);
  return { redis, proxy, bench: new Bench(), options: { env: { REDIS_URL: proxy.url } } };
}

/** A program of a chapter, as `npm run chapter` runs it, and the proxy that stands between it and its server. */
async function behindProxy(...program: string[]) {
  const { redis, proxy, bench, options } = await proxied();
  return { redis, proxy, running: bench.startWith(options, 'chapter', ...program) };
}

/** The same with the file alone: what it ends with is the program's own exit code. */
async function runBehindProxy(file: string, ...args: string[]) {
  const { redis, proxy, bench, options } = await proxied();
  const command = ['--import', 'tsx', join('chapters', file), ...args];
  return { redis, proxy, running: bench.spawn(process.execPath, command, options) };
}

/** Waits until the server has a client that is blocked in XREAD. */
const blocked = (redis: Redis) =>
  expect.poll(() => redis.client('LIST'), WAIT).toMatch(/flags=\S*b\S* .*cmd=xread/);

async function ctrlC(running: Running): Promise<number | null> {
  running.ctrlC();
  return (await running.ended).code;
}

describe('the tail', () => {
  it('notices a connection that has fallen silent, and prints what was added meanwhile', async () => {
    const { redis, proxy, running } = await behindProxy('3', 'tail');
    await redis.xadd(STREAM, '1-0', 'sensorId', 1);
    await running.says(/waiting for entries/);
    await blocked(redis);

    proxy.swallowAll();
    await redis.xadd(STREAM, '2-0', 'sensorId', 2);
    await redis.xadd(STREAM, '3-0', 'sensorId', 3);
    await running.says(/connection: Error: Socket timeout/);
    proxy.passOn();
    await running.says(/new entry 3-0/);
    await redis.xadd(STREAM, '4-0', 'sensorId', 4);
    await running.says(/new entry 4-0/);

    expect(await ctrlC(running)).toBe(0);
    const seen = [...running.stdout.matchAll(/new entry (\S+)/g)].map(([, id]) => id);
    expect(seen.slice(-3)).toEqual(['2-0', '3-0', '4-0']);
    expect(new Set(seen).size).toBe(seen.length);
    expect(running.stderr, 'a listener takes the errors').not.toContain('Unhandled');
  });

  it('lives through a time in which connections are refused', async () => {
    const { redis, proxy, running } = await behindProxy('3', 'tail');
    await running.says(/waiting for entries/);

    proxy.refuse();
    proxy.cut();
    await running.says(/connection: .*ECONNREFUSED/);
    await redis.xadd(STREAM, '1-0', 'sensorId', 1);
    await proxy.accept();

    await running.says(/new entry 1-0/);
    expect(await ctrlC(running)).toBe(0);
  });

  it('says so and reads on when the server ends its read with an error', async () => {
    const { redis, running } = await behindProxy('3', 'tail');
    await running.says(/waiting for entries/);
    await blocked(redis);

    const [, id = ''] = /id=(\d+) .*cmd=xread/.exec(String(await redis.client('LIST'))) ?? [];
    await redis.client('UNBLOCK', id, 'ERROR');
    await running.says(/trying again: .*UNBLOCKED/);
    await redis.xadd(STREAM, '1-0', 'sensorId', 1);

    await running.says(/new entry 1-0/);
    expect(await ctrlC(running)).toBe(0);
  });

  it('ends well on Ctrl+C while its read waits for a connection', async () => {
    const { redis, proxy, running } = await runBehindProxy('03-reading/tail.ts');
    await running.says(/waiting for entries/);
    await blocked(redis);

    proxy.refuse();
    proxy.cut();
    await running.says(/ECONNREFUSED/);

    expect(await ctrlC(running)).toBe(0);
  });
});

describe('the producer', () => {
  it('says so and goes on when an XADD has failed', async () => {
    const { redis, running } = await behindProxy('2', 'producer', '5');
    await running.says(/added/);

    // A server that is out of memory refuses what could use more of it.
    await redis.config('SET', 'maxmemory', '1');
    await running.says(/not added: .*OOM/);
    await redis.config('SET', 'maxmemory', '0');
    const before = await redis.xlen(STREAM);
    await expect.poll(() => redis.xlen(STREAM), WAIT).toBeGreaterThan(before + 2);

    expect(await ctrlC(running)).toBe(0);
  });

  it('gives a reading up when connections are refused, and goes on when they are not', async () => {
    const { redis, proxy, running } = await behindProxy('2', 'producer', '5');
    await running.says(/added/);

    proxy.refuse();
    proxy.cut();
    await running.says(/not added: MaxRetriesPerRequestError/);
    const before = await redis.xlen(STREAM);
    await proxy.accept();
    await expect.poll(() => redis.xlen(STREAM), WAIT).toBeGreaterThan(before + 2);

    expect(await ctrlC(running)).toBe(0);
    expect(running.stderr).not.toContain('Unhandled');
  });

  it('notices a connection that has fallen silent', async () => {
    const { redis, proxy, running } = await behindProxy('2', 'producer', '5');
    await running.says(/added/);

    proxy.swallowAll();
    await running.says(/connection: Error: Socket timeout/);
    const before = await redis.xlen(STREAM);
    proxy.passOn();
    await expect.poll(() => redis.xlen(STREAM), WAIT).toBeGreaterThan(before + 2);

    expect(await ctrlC(running)).toBe(0);
  });

  it('ends well on Ctrl+C while it has no connection', async () => {
    const { proxy, running } = await runBehindProxy('02-producing/producer.ts', '5');
    await running.says(/added/);

    proxy.refuse();
    proxy.cut();
    await running.says(/ECONNREFUSED/);

    expect(await ctrlC(running)).toBe(0);
  });
});
