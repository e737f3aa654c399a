import type { Redis } from 'ioredis';
import { describe, expect, it, type TestContext } from 'vitest';
import { testServer } from '../support/redis.ts';

// What lessons 1 to 3 say of streams, and no snippet can show.

const STREAM = 'orders';

async function addMany(redis: Redis, count: number, fields: (n: number) => (string | number)[]) {
  const pipeline = redis.pipeline();
  for (let n = 0; n < count; n++) pipeline.xadd(STREAM, '*', ...fields(n));
  await pipeline.exec();
}

/** Skips the test where the server does not know these options of XADD: no version number tells as well. */
async function needs(context: TestContext, redis: Redis, ...options: string[]): Promise<void> {
  const known = await redis.call('XADD', 'try', ...options, '*', 'a', '1').catch(() => undefined);
  if (known === undefined) context.skip(`this server has no XADD ${options[0]}`);
}

describe('deleting is not erasing (lesson 1)', () => {
  it.each([
    ['XDEL', (redis: Redis) => redis.xdel(STREAM, '1-0')],
    ['exact XTRIM', (redis: Redis) => redis.xtrim(STREAM, 'MAXLEN', '=', 1)],
  ])('after %s the bytes are still there, until the whole block goes', async (_, remove) => {
    const { redis } = await testServer();
    await redis.xadd(STREAM, '1-0', 'customer', 'Ottilie');
    await redis.xadd(STREAM, '2-0', 'customer', 'Berta');

    await remove(redis);

    expect(await redis.xlen(STREAM)).toBe(1);
    expect((await redis.dumpBuffer(STREAM)).includes('Ottilie')).toBe(true);
    await redis.xdel(STREAM, '2-0');
    expect((await redis.dumpBuffer(STREAM)).includes('Ottilie')).toBe(false);
  });
});

describe('ids (lesson 1)', () => {
  it('stay used up until the key is deleted', async () => {
    const { redis } = await testServer();
    await redis.xadd(STREAM, '9-0', 'item', 'tea');
    await redis.xdel(STREAM, '9-0');
    await expect(redis.xadd(STREAM, '9-0', 'item', 'milk')).rejects.toThrow(/equal or smaller/);

    await redis.del(STREAM);

    expect(await redis.xadd(STREAM, '1-0', 'item', 'milk')).toBe('1-0');
  });

  it('of `*` count up from an id of the future', async () => {
    const { redis } = await testServer();
    await redis.xadd(STREAM, '9999999999999-5', 'item', 'tea');

    expect(await redis.xadd(STREAM, '*', 'item', 'milk')).toBe('9999999999999-6');
  });
});

describe('a full memory (lesson 1)', () => {
  it('refuses every XADD with noeviction, and still reads, deletes and trims', async () => {
    const { redis } = await testServer();
    await addMany(redis, 3, (n) => ['n', n]);
    await redis.config('SET', 'maxmemory', '1');

    await expect(redis.xadd(STREAM, '*', 'n', 3)).rejects.toThrow(/^OOM/);
    await expect(redis.xadd(STREAM, 'MAXLEN', '=', 1, '*', 'n', 3)).rejects.toThrow(/^OOM/);

    const [[oldest] = ['']] = await redis.xrange(STREAM, '-', '+');
    expect(await redis.xdel(STREAM, oldest)).toBe(1);
    expect(await redis.xtrim(STREAM, 'MAXLEN', '=', 1)).toBe(1);
  });

  it('throws the stream away with allkeys-lru, and its groups', async () => {
    const { redis } = await testServer();
    await redis.xgroup('CREATE', STREAM, 'workers', '0', 'MKSTREAM');
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await redis.config('SET', 'maxmemory', '1');
    await redis.xadd('other', '*', 'n', 1).catch(() => {});

    const read = redis.xreadgroup('GROUP', 'workers', 'anna', 'STREAMS', STREAM, '>');
    await expect(read).rejects.toThrow(/^NOGROUP/);
  });
});

describe('what entries cost (lessons 1 and 2)', () => {
  /** Bytes per entry, all of them counted. */
  async function bytesPerEntry(redis: Redis, fields: (n: number) => (string | number)[]) {
    await redis.del(STREAM);
    await addMany(redis, 5000, fields);
    return Number(await redis.memory('USAGE', STREAM, 'SAMPLES', 0)) / 5000;
  }

  const order = (n: number) => ({
    productId: `p${n % 500}`,
    userId: `u${n % 1000}`,
    quantity: n % 10,
    timestamp: 1700000000000 + n,
  });

  it('JSON in one field more than twice as much as four fields, and an order that alternates lies between', async () => {
    const { redis } = await testServer();
    const fields = await bytesPerEntry(redis, (n) => Object.entries(order(n)).flat());
    const alternating = await bytesPerEntry(redis, (n) => {
      const entries = Object.entries(order(n));
      return (n % 2 ? entries : entries.reverse()).flat();
    });
    const json = await bytesPerEntry(redis, (n) => ['order', JSON.stringify(order(n))]);

    expect(json / fields).toBeGreaterThan(2);
    expect(alternating / fields).toBeGreaterThan(1.3);
    expect(alternating).toBeLessThan(json);
  });

  it('what they hold: MAXLEN bounds their number, not the memory', async () => {
    const { redis } = await testServer();
    const small = await bytesPerEntry(redis, () => ['celsius', 20]);
    const large = await bytesPerEntry(redis, () => ['body', 'x'.repeat(10_000)]);

    expect(small).toBeLessThan(40);
    expect(large).toBeGreaterThan(10_000);
  });
});

describe('trimming (lesson 2)', () => {
  it.each([
    [1, 0],
    [99, 0],
    [100, 100],
    [250, 200],
  ])('with LIMIT %i removes %i of blocks of 100', async (limit, removed) => {
    const { redis } = await testServer();
    await addMany(redis, 1000, () => ['celsius', 20]);

    expect(await redis.xtrim(STREAM, 'MAXLEN', '~', 100, 'LIMIT', limit)).toBe(removed);
  });

  it('with ~ removes 10,000 at most in one call, and all with LIMIT 0', async () => {
    const { redis } = await testServer();
    await addMany(redis, 30_000, () => ['celsius', 20]);

    await redis.xadd(STREAM, 'MAXLEN', '~', 10, '*', 'celsius', 20);
    expect(await redis.xlen(STREAM)).toBe(20_001);
    await redis.xadd(STREAM, 'MAXLEN', '~', 10, 'LIMIT', 0, '*', 'celsius', 20);
    expect(await redis.xlen(STREAM)).toBeLessThan(110);
  });

  it('skips what a reader has not seen, without an error (lesson 3)', async () => {
    const { redis } = await testServer();
    for (let n = 1; n <= 5; n++) await redis.xadd(STREAM, `${n}-0`, 'n', n);
    await redis.xtrim(STREAM, 'MAXLEN', '=', 2);

    const reply = await redis.xread('STREAMS', STREAM, '1-0');

    expect(reply?.[0]?.[1].map(([id]) => id)).toEqual(['4-0', '5-0']);
  });

  it('with ACKED keeps what a group has not done, however much it is', async (context) => {
    const { redis } = await testServer();
    await needs(context, redis, 'ACKED');
    await redis.xgroup('CREATE', STREAM, 'nobody', '0', 'MKSTREAM');

    for (let n = 1; n <= 500; n++) {
      await redis.call('XADD', STREAM, 'ACKED', 'MAXLEN', '~', '100', '*', 'n', `${n}`);
    }

    expect(await redis.xlen(STREAM)).toBe(500);
  });
});

describe('IDMP (lesson 2)', () => {
  it('knows the last 100 ids of a producer, and then stores the first once more', async (context) => {
    const { redis } = await testServer();
    await needs(context, redis, 'IDMP', 'producer', 'id');
    const add = (id: number) =>
      redis.call('XADD', STREAM, 'IDMP', 'shop', `order-${id}`, '*', 'item', 'tea');

    const first = await add(0);
    for (let id = 1; id < 100; id++) await add(id);
    expect(await add(0)).toBe(first);
    expect(await redis.xlen(STREAM)).toBe(100);

    await add(100);
    expect(await add(0)).not.toBe(first);
    expect(await redis.xlen(STREAM)).toBe(102);
  });
});

describe('XREAD with + (lesson 3)', () => {
  it('answers with the newest entry, where the server knows it', async (context) => {
    const { redis } = await testServer();
    for (let n = 1; n <= 3; n++) await redis.xadd(STREAM, `${n}-0`, 'n', n);

    const reply = await redis.xread('STREAMS', STREAM, '+').catch(() => undefined);

    if (reply === undefined) context.skip('this server has no XREAD +');
    expect(reply).toEqual([[STREAM, [['3-0', ['n', '3']]]]]);
  });
});
