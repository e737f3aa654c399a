import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { testServer } from '../support/redis.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { add, type Kind, NOTIFICATIONS, ORDERS, pending, start } from './loops.ts';

// What production does to a worker. Each of these has stopped, robbed or doubled a worker that looked right.

const SOON = { timeout: 20_000, interval: 20 };
const STOPS = 30;

/** A server, a network in front of it, and the connection that a worker is given: it goes through that network. */
async function place(settings: Record<string, number | string> = {}) {
  const { server, redis } = await testServer(settings);
  const proxy = await TcpProxy.open(server.url);
  const given = new Redis(proxy.url);
  given.on('error', () => {});
  onTestFinished(() => {
    given.disconnect();
  });
  return { redis, given, proxy };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

beforeEach(() => {
  // What a solution says about its troubles.
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => said.mockRestore());
});

describe.each([ORDERS, NOTIFICATIONS])('$what', (kind: Kind) => {
  const nothingPending = async (redis: Redis) =>
    expect.poll(async () => (await pending(kind, redis)).length, SOON).toBe(0);

  it('notices a connection that says nothing any more, and finishes what was handed to it', async () => {
    const { redis, given, proxy } = await place();
    const alice = start(kind, given);
    await add(kind, redis);
    await expect.poll(() => alice.begun.length, SOON).toBe(1);
    await nothingPending(redis);

    proxy.swallow('replies');
    const [lost = ''] = await add(kind, redis);
    await expect.poll(async () => (await pending(kind, redis)).length, SOON).toBe(1);
    const [later = ''] = await add(kind, redis);

    await expect.poll(() => alice.begun.slice(1), SOON).toEqual([lost, later]);
    await nothingPending(redis);
  });

  it('returns within a second when it is told to stop, and its connection says nothing', async () => {
    const { redis, given, proxy } = await place();
    const alice = start(kind, given);
    await add(kind, redis);
    await expect.poll(() => alice.begun.length, SOON).toBe(1);
    await nothingPending(redis);

    proxy.swallow('requests', 'replies');
    const returned = await Promise.race([alice.stop(), sleep(5000, 'late', { ref: false })]);

    expect(returned).toBeUndefined();
  });

  it('goes on when Redis was away for a while', async () => {
    const { redis, given, proxy } = await place();
    const alice = start(kind, given);
    const [first = ''] = await add(kind, redis);
    await expect.poll(() => alice.begun, SOON).toEqual([first]);

    proxy.refuse();
    proxy.cut();
    const [second = ''] = await add(kind, redis);
    await vi.waitUntil(() => given.status === 'reconnecting', SOON);
    await proxy.accept();

    await expect.poll(() => alice.begun, SOON).toEqual([first, second]);
    await nothingPending(redis);
  });

  it('goes on when the stream is deleted while it waits, and made again', async () => {
    const { redis, given } = await place();
    const alice = start(kind, given);
    for (let round = 1; round <= 3; round++) {
      const [id = ''] = await add(kind, redis);
      await expect.poll(() => alice.begun.at(-1), SOON).toBe(id);
      await redis.del(kind.stream);
    }

    const [last = ''] = await add(kind, redis);

    await expect.poll(() => alice.begun.at(-1), SOON).toBe(last);
    await nothingPending(redis);
  });

  it('goes on after a fail-over', async () => {
    const { redis: primary, given, proxy } = await place();
    const { server: other, redis: replica } = await testServer();
    const options = primary.options;
    await replica.replicaof('127.0.0.1', String(options.port));
    const alice = start(kind, given);
    const [before = ''] = await add(kind, primary);
    await expect.poll(() => alice.begun, SOON).toEqual([before]);
    await nothingPending(primary);
    await vi.waitUntil(async () => (await replica.xlen(kind.stream)) === 1, SOON);

    // The replica takes over. The old primary lives, as its replica, and refuses all writes.
    await replica.replicaof('NO', 'ONE');
    await primary.replicaof('127.0.0.1', portOf(other.url));
    const [after = ''] = await add(kind, replica);
    proxy.target = other.url;

    await expect.poll(() => alice.begun.includes(after), SOON).toBe(true);
    await nothingPending(replica);
  });

  it('goes on after a restart during which Redis loads its data', async () => {
    const settings = {
      'enable-debug-command': 'yes',
      'key-load-delay': 20_000, // microseconds for each key
      'loading-process-events-interval-bytes': 1024,
    };
    const { redis, given } = await place(settings);
    await redis.mset(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key-${i}`, 'x'])));
    const alice = start(kind, given, { work: () => sleep(5) });
    const before = await add(kind, redis, 20);
    await expect.poll(() => alice.begun.length, SOON).toBeGreaterThan(2);

    const refused = vi.waitUntil(
      () =>
        given.ping().then(
          () => false,
          (error: Error) => error.message.startsWith('LOADING'),
        ),
      SOON,
    );
    await Promise.all([redis.call('DEBUG', 'RELOAD'), refused]);
    const after = await add(kind, redis, 5);

    await expect
      .poll(() => [...before, ...after].filter((id) => !alice.begun.includes(id)), SOON)
      .toEqual([]);
  });

  it('puts aside once what two workers hold', async () => {
    const { redis, given, proxy } = await place();
    const alice = start(kind, given);
    const bad: string[] = [];
    // Alice is handed one that she cannot read, and is paused before she has put it aside. That takes a moment at which she
    // waits in Redis.
    const isCaught = async () => {
      await vi.waitUntil(async () => /blocked_clients:1/.test(await redis.info('clients')), SOON);
      proxy.hold('requests');
      bad.push(String(await redis.xadd(kind.stream, '*', ...kind.bad)));
      const isHeld = async () =>
        proxy.held('requests') > 0 &&
        (await pending(kind, redis)).some(({ id }) => id === bad.at(-1));
      const caught = await vi.waitUntil(isHeld, { timeout: 1000 }).catch(() => false);
      if (!caught) proxy.passOn();
      return caught;
    };
    await expect.poll(isCaught, SOON).toBe(true);

    const bob = start(kind, redis, { name: 'bob', minIdleMs: 100 });
    await vi.waitUntil(async () => (await redis.xlen(kind.deadLetters)) === bad.length, SOON);
    proxy.passOn();
    await nothingPending(redis);
    // Alice is there again, and has sent what she was about to send.
    await bob.stop();
    const [next = ''] = await add(kind, redis);
    await expect.poll(() => alice.begun, SOON).toEqual([next]);

    const letters = await redis.xrange(kind.deadLetters, '-', '+');
    expect(letters.map(([, fields]) => fields[fields.indexOf('originalId') + 1])).toEqual(bad);
  });

  it('loses nothing that cannot be put aside, and goes on meanwhile', async () => {
    const { redis, given } = await place();
    await redis.set(kind.deadLetters, 'of the wrong type');
    const alice = start(kind, given, { minIdleMs: 200 });
    const bad = String(await redis.xadd(kind.stream, '*', ...kind.bad));

    const good = await add(kind, redis, 5);

    await expect.poll(() => alice.begun, SOON).toEqual(good);
    expect((await pending(kind, redis)).map(({ id }) => id)).toContain(bad);

    await redis.del(kind.deadLetters);
    await expect.poll(() => redis.xlen(kind.deadLetters), SOON).toBe(1);
    await nothingPending(redis);
  });

  it('works on nothing twice when three are slow', async () => {
    const { redis, given } = await place();
    const ids = await add(kind, redis, 24);
    const loops = ['alice', 'bob', 'carol'].map((name) =>
      start(kind, given, { name, minIdleMs: 1000, work: () => sleep(300) }),
    );

    const begun = () => loops.flatMap((loop) => loop.begun);
    await vi.waitUntil(() => begun().length >= ids.length, SOON);
    await nothingPending(redis);

    expect(begun().toSorted()).toEqual([...ids].sort());
  });

  it('leaves to its successor what was taken over while it was busy', async () => {
    const { redis, given } = await place();
    const latch: { open: () => void } = { open: () => {} };
    const opened = new Promise<void>((resolve) => {
      latch.open = resolve;
    });
    const ids = await add(kind, redis, 6);
    const alice = start(kind, given, { minIdleMs: 400, work: () => opened });
    await expect.poll(() => alice.begun.length, SOON).toBe(1);

    // Mallory takes all that alice has, and what nobody has yet; and keeps it fresh.
    await redis.xreadgroup('GROUP', kind.group, 'mallory', 'STREAMS', kind.stream, '>');
    const claim = () => redis.xclaim(kind.stream, kind.group, 'mallory', 0, ...ids, 'JUSTID');
    for (const end = Date.now() + 600; Date.now() < end; await sleep(20)) await claim();
    latch.open();
    const [later = ''] = await add(kind, redis);
    await vi.waitUntil(async () => {
      await claim();
      return alice.begun.includes(later);
    }, SOON);
    await alice.stop();

    expect(alice.begun).toEqual([ids[0], later]);
    const held = (await pending(kind, redis)).map(({ consumer }) => consumer);
    expect(new Set(held)).toEqual(new Set(['mallory']));
  });

  it(`leaves nothing behind that others have to wait for: ${STOPS} stops under traffic`, async () => {
    const { redis, given } = await place();
    const added: string[] = [];
    const begun: string[] = [];
    let isOver = false;
    const traffic = (async () => {
      while (!isOver) added.push(...(await add(kind, redis)));
    })();
    const stuck: string[] = [];
    for (let round = 1; round <= STOPS; round++) {
      const name = `worker-${round}`;
      const worker = start(kind, given, { name });
      await vi.waitUntil(() => worker.begun.length > 5, SOON);
      await worker.stop();
      begun.push(...worker.begun);
      const left = await pending(kind, redis);
      stuck.push(
        ...left
          .filter(({ consumer, idleMs }) => consumer === name && idleMs < 60_000)
          .map(({ id }) => id),
      );
    }
    isOver = true;
    await traffic;
    const last = start(kind, given, { name: 'last' });
    await expect.poll(() => begun.length + last.begun.length, SOON).toBe(added.length);
    await nothingPending(redis);

    expect(stuck).toEqual([]);
    expect([...begun, ...last.begun].toSorted()).toEqual(added.toSorted());
  });
});
