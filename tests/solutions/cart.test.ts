import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type CartEvent,
  readCart,
  rebuildCarts,
  recordEvent,
  runProjector,
  snapshotCarts,
} from '../../solutions/03-shopping-cart/cart.ts';
import { freePort } from '../../system/redis/start-server.ts';
import { testServer } from '../support/redis.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

// What the grader does not ask of a cart, and what somebody has to who runs it: a Redis that others use too, and that fails.

const WAIT = { timeout: 30_000, interval: 20 };
const GROUP = 'cart_projectors';
const DEAD = 'cart:dead';
const eventsOf = (userId: string) => `cart:events:${userId}`;
const add = (quantity: number): CartEvent => ({
  eventType: 'item:add',
  itemId: 'tea',
  quantity,
  timestamp: 1_790_000_000_000,
});

/** Many events, as fast as Redis takes them: the script adds tea. */
async function fill(redis: Redis, userId: string, count: number): Promise<void> {
  const script = `for i = 1, ARGV[1] do
    redis.call('XADD', KEYS[1], '*', 'eventType', 'item:add', 'itemId', 'tea', 'quantity', 1) end`;
  for (let left = count; left > 0; left -= 5000) {
    await redis.eval(script, 1, eventsOf(userId), Math.min(left, 5000));
  }
}

interface Projector {
  /** Ends it, and waits until it has returned. Rejects when it has ended with an error before. */
  stop(): Promise<void>;
}

function project(redis: Redis, { name = 'alice', leaseMs = 1000 } = {}): Projector {
  const controller = new AbortController();
  const running = runProjector(redis, name, { signal: controller.signal, leaseMs });
  running.catch(() => {}); // stop() tells
  const stop = () => {
    controller.abort();
    return running;
  };
  onTestFinished(() => stop().catch(() => {}));
  return { stop };
}

async function pendingOf(redis: Redis, userId: string): Promise<number> {
  const reply = await redis.xpending(eventsOf(userId), GROUP);
  return Number(reply[0]);
}

/** Waits until a user's cart holds so many, and everything in the group has been acknowledged. */
async function reaches(redis: Redis, userId: string, tea: number): Promise<void> {
  await expect.poll(() => readCart(redis, userId), WAIT).toEqual({ tea });
  await expect.poll(() => pendingOf(redis, userId), WAIT).toBe(0);
}

/** How often a command was called since the last CONFIG RESETSTAT, also by scripts. */
async function calls(redis: Redis, command: RegExp): Promise<number> {
  const lines = (await redis.info('commandstats')).matchAll(/^cmdstat_(\S+):calls=(\d+)/gm);
  const counts = [...lines].map(([, name = '', count]) => (command.test(name) ? Number(count) : 0));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The entries of `cart:dead`, as records. */
async function deadLetters(redis: Redis): Promise<Record<string, string>[]> {
  return (await redis.xrange(DEAD, '-', '+')).map(([, fields]) =>
    Object.fromEntries(
      fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1] ?? '']] : [])),
    ),
  );
}

describe('a rebuild', () => {
  it('of 100,000 events leaves Redis free for others', { timeout: 120_000 }, async () => {
    const { server, redis } = await testServer();
    await fill(redis, 'anna', 100_000);
    const other = new Redis(server.url);
    onTestFinished(() => other.disconnect());
    await redis.config('RESETSTAT');
    let [served, isRebuilding] = [0, true];

    const rebuilt = rebuildCarts(redis).finally(() => {
      isRebuilding = false;
    });
    for (; isRebuilding; served++) await other.ping();

    expect(await rebuilt).toBe(1);
    expect(await readCart(redis, 'anna')).toEqual({ tea: 100_000 });
    expect(served).toBeGreaterThan(100);
    const scripts = await calls(redis, /^eval/);
    expect(100_000 / scripts).toBeLessThan(500);
  });

  it.each(['events', 'a snapshot and a trimming', 'the end of its draft'])(
    'that is held up is right all the same, when it is overtaken by %s',
    { timeout: 120_000 },
    async (what) => {
      const { server, redis } = await testServer();
      await fill(redis, 'anna', 30_000);
      const proxy = await TcpProxy.open(server.url);
      const slow = new Redis(proxy.url);
      onTestFinished(() => slow.disconnect());

      const rebuilt = rebuildCarts(slow);
      const drafts = () => redis.keys('cart:draft:*');
      await expect.poll(drafts, { ...WAIT, interval: 1 }).not.toEqual([]);
      proxy.hold();
      for (const key of await drafts()) expect(await redis.pttl(key)).toBeGreaterThan(0);
      await fill(redis, 'anna', 10);
      if (what.startsWith('a snapshot')) {
        await snapshotCarts(redis);
        await redis.xtrim(eventsOf('anna'), 'MAXLEN', '=', 0);
        await fill(redis, 'anna', 5);
      }
      if (what.startsWith('the end')) for (const key of await drafts()) await redis.del(key);
      proxy.passOn();

      expect(await rebuilt).toBe(1);
      expect(await readCart(redis, 'anna')).toEqual({
        tea: what.startsWith('a snapshot') ? 30_015 : 30_010,
      });
      expect(await drafts()).toEqual([]);
    },
  );

  it('keeps the old cart until the new one is whole, also for a key of another type', async () => {
    const { redis } = await testServer();
    await fill(redis, 'anna', 1000);
    await redis.set('cart:current:anna', 'not a hash');

    await rebuildCarts(redis);

    expect(await readCart(redis, 'anna')).toEqual({ tea: 1000 });
    expect(await redis.pttl('cart:current:anna')).toBe(-1);
    expect(await redis.pttl('cart:last:anna')).toBe(-1);
  });
});

describe('a projector', () => {
  it('plays more than a page, and acknowledges all of it', async () => {
    const { redis } = await testServer();
    await fill(redis, 'anna', 5000);

    const projector = project(redis);

    await reaches(redis, 'anna', 5000);
    await projector.stop();
  });

  it('does not walk over all keys again and again while it is idle', async () => {
    const { redis } = await testServer();
    await redis.eval("for i = 1, 20000 do redis.call('SET', 'foreign:' .. i, i) end", 0);
    await fill(redis, 'anna', 1);
    const projector = project(redis);
    await reaches(redis, 'anna', 1);
    const seconds = async () => Number((await redis.time())[0]);
    const start = await seconds();
    const before = await calls(redis, /^scan$/);
    await expect.poll(seconds, WAIT).toBeGreaterThan(start + 3);

    // A walk over 20,000 keys is some ten steps.
    expect((await calls(redis, /^scan$/)) - before).toBeLessThanOrEqual(5 * 12);
    await projector.stop();
  });

  it('puts aside what nobody can count with, and goes on', async () => {
    const { redis } = await testServer();
    await fill(redis, 'anna', 1);
    const tea = ['eventType', 'item:add', 'itemId', 'tea', 'quantity'];
    const huge = await redis.xadd(eventsOf('anna'), '*', ...tea, '99999999999999999999');
    const fields = Array.from({ length: 10_000 }, (_, at) => `f${at}`);
    const wide = await redis.xadd(eventsOf('anna'), '*', ...fields);
    await fill(redis, 'anna', 1);

    expect(await rebuildCarts(redis)).toBe(1);
    expect(await readCart(redis, 'anna')).toEqual({ tea: 2 });
    const projector = project(redis);
    await reaches(redis, 'anna', 2);

    const letters = await deadLetters(redis);
    expect(letters.map(({ originalId }) => originalId)).toEqual([huge, wide]);
    expect(letters.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('quantity'),
      expect.stringContaining('eventType'),
    ]);
    expect(letters[0]).toMatchObject({ userId: 'anna', quantity: '99999999999999999999' });
    await projector.stop();
  });

  it('applies nothing by halves when a key has the wrong type, and serves the others', async () => {
    const { redis } = await testServer();
    await redis.set('cart:current:ben', 'not a hash');
    await redis.set(DEAD, 'not a stream');
    for (const userId of ['anna', 'ben', 'carl']) await fill(redis, userId, 3);
    await redis.xadd(eventsOf('carl'), '*', 'eventType', 'nonsense');

    const projector = project(redis);

    await reaches(redis, 'anna', 3);
    await expect.poll(() => readCart(redis, 'carl'), WAIT).toEqual({ tea: 3 });
    expect(await redis.get('cart:last:ben')).toBeNull();
    await redis.del('cart:current:ben', DEAD);
    await reaches(redis, 'ben', 3);
    await reaches(redis, 'carl', 3);
    expect(await deadLetters(redis)).toHaveLength(1);
    await projector.stop();
  });

  it.each(['DEL', 'UNLINK', 'RENAME', 'SET', 'XGROUP', 'FLUSHDB'])(
    'survives that a stream, or its group, vanishes while it waits in it: %s',
    async (how) => {
      const { redis } = await testServer();
      for (const userId of ['anna', 'ben']) await fill(redis, userId, 2);
      const projector = project(redis);
      for (const userId of ['anna', 'ben']) await reaches(redis, userId, 2);
      const stream = eventsOf('ben');

      if (how === 'RENAME') await redis.rename(stream, 'elsewhere');
      else if (how === 'SET') await redis.set(stream, 'not a stream');
      else if (how === 'XGROUP') await redis.xgroup('DESTROY', stream, GROUP);
      else await redis.call(how, ...(how === 'FLUSHDB' ? [] : [stream]));
      const kept = how === 'FLUSHDB' ? 0 : 2;
      await fill(redis, 'anna', 1);
      await reaches(redis, 'anna', kept + 1);
      if (how === 'SET') await redis.del(stream);
      await fill(redis, 'ben', 1);

      await reaches(redis, 'ben', kept + 1);
      await projector.stop();
    },
  );

  it('survives a fail-over: for a while, its server is a replica, and takes no writes', async () => {
    const { redis } = await testServer();
    await fill(redis, 'anna', 1);
    const projector = project(redis);
    await reaches(redis, 'anna', 1);

    await redis.replicaof('127.0.0.1', await freePort());
    const refused = async () =>
      Number(/errorstat_READONLY:count=(\d+)/.exec(await redis.info('errorstats'))?.[1] ?? 0);
    await expect.poll(refused, WAIT).toBeGreaterThan(2);
    await redis.replicaof('NO', 'ONE');
    await fill(redis, 'anna', 1);

    await reaches(redis, 'anna', 2);
    await projector.stop();
  });

  it('survives that all its connections are cut', async () => {
    const { redis } = await testServer();
    await fill(redis, 'anna', 1);
    const projector = project(redis);
    await reaches(redis, 'anna', 1);

    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await fill(redis, 'anna', 1);

    await reaches(redis, 'anna', 2);
    await projector.stop();
  });

  it('notices a connection that has fallen silent, and what was handed to it', async () => {
    const { server, redis } = await testServer();
    const proxy = await TcpProxy.open(server.url);
    const through = new Redis(proxy.url);
    through.on('error', () => {});
    onTestFinished(() => through.disconnect());
    await fill(redis, 'anna', 1);
    const projector = project(through, { leaseMs: 60_000 });
    await reaches(redis, 'anna', 1);

    proxy.swallow();
    await fill(redis, 'anna', 1);

    await reaches(redis, 'anna', 2);
    await projector.stop();
  });

  it('stops although Redis does not answer', async () => {
    const { server, redis } = await testServer();
    const proxy = await TcpProxy.open(server.url);
    const through = new Redis(proxy.url);
    through.on('error', () => {});
    onTestFinished(() => through.disconnect());
    await fill(redis, 'anna', 1);
    const projector = project(through);
    await reaches(redis, 'anna', 1);

    proxy.swallow();

    await projector.stop();
  });

  it('loses nothing when it is stopped under traffic, again and again', async () => {
    const { server, redis } = await testServer();
    const shop = new Redis(server.url);
    onTestFinished(() => shop.disconnect());
    let [recorded, isOpen] = [0, true];
    const shopping = (async () => {
      for (; isOpen; recorded++) await recordEvent(shop, 'anna', add(1));
    })();

    for (let stops = 0; stops < 20; stops++) {
      const projector = project(redis, { name: `stopped-${stops}` });
      const before = recorded;
      await expect.poll(() => recorded, { ...WAIT, interval: 1 }).toBeGreaterThan(before + 20);
      await projector.stop();
    }
    isOpen = false;
    await shopping;
    const last = project(redis);

    await reaches(redis, 'anna', recorded);
    await last.stop();
  });

  it('takes nothing for itself that does not end by itself', async () => {
    const { redis } = await testServer();
    await fill(redis, 'anna', 1);
    const projector = project(redis);
    await reaches(redis, 'anna', 1);

    const own = (await redis.keys('*')).filter(
      (key) => !/^cart:(events|current|last|dead)\b/.test(key),
    );

    for (const key of own) expect(await redis.pttl(key), key).toBeGreaterThan(0);
    await projector.stop();
  });
});
