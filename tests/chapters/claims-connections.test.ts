import { Redis, type RedisOptions } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testServer } from '../support/redis.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

// What lessons 1 to 3 say of connections, and no snippet can show.

const WAIT = { timeout: 20_000 };
const STREAM = 'orders';

/** A client behind a proxy, a connection to the same server that is always well, and the errors that the client reported. */
async function behindProxy(options: RedisOptions) {
  const { server, redis } = await testServer();
  const proxy = await TcpProxy.open(server.url);
  const client = new Redis(proxy.url, options);
  const errors: string[] = [];
  client.on('error', (error: Error) => errors.push(error.message));
  onTestFinished(() => client.disconnect());
  await client.ping();
  return { redis, proxy, client, errors };
}

const socketTimeouts = (errors: readonly string[]) =>
  errors.filter((message) => message.startsWith('Socket timeout')).length;

describe('a connection that subscribes', () => {
  it.each([
    ['can read over RESP3', 3, true],
    ['can not read over RESP2', 2, false],
  ] as const)('%s', async (_, protocol, works) => {
    const { server } = await testServer();
    const subscriber = new Redis(server.url, { protocol });
    onTestFinished(() => subscriber.disconnect());
    await subscriber.subscribe('announcements');

    const answer = await subscriber.xlen(STREAM).catch((error: Error) => error);

    expect(answer instanceof Error).toBe(!works);
  });
});

describe('a silent connection', () => {
  it('is noticed with a socketTimeout of BLOCK and a margin, and the read repeated', async () => {
    const { redis, proxy, client, errors } = await behindProxy({ socketTimeout: 800 });
    const read = client.xread('BLOCK', 200, 'STREAMS', STREAM, '0');

    proxy.swallowAll();
    await redis.xadd(STREAM, '1-0', 'item', 'tea');
    await expect.poll(() => socketTimeouts(errors), WAIT).toBeGreaterThan(0);
    proxy.passOn();

    expect(await read).toEqual([[STREAM, [['1-0', ['item', 'tea']]]]]);
  });

  it('is seen where there is none with a socketTimeout shorter than BLOCK', async () => {
    const { client, errors } = await behindProxy({ socketTimeout: 50 });

    client.xread('BLOCK', 60_000, 'STREAMS', STREAM, '0').catch(() => {});

    await expect.poll(() => socketTimeouts(errors), WAIT).toBeGreaterThan(2);
  });

  it('looks idle with blockingTimeout: null each time, and no new connection', async () => {
    const { proxy, client, errors } = await behindProxy({ blockingTimeout: 50 });
    proxy.swallowAll();

    for (let reads = 0; reads < 3; reads++) {
      expect(await client.xread('BLOCK', 100, 'STREAMS', STREAM, '0')).toBeNull();
    }

    expect(errors).toEqual([]);
    expect(proxy.connections).toBe(1);
  });

  it('makes reads fail with commandTimeout, and no new connection', async () => {
    const { proxy, client, errors } = await behindProxy({ commandTimeout: 300 });
    proxy.swallowAll();

    for (let reads = 0; reads < 3; reads++) {
      await expect(client.xread('BLOCK', 100, 'STREAMS', STREAM, '0')).rejects.toThrow(/timed out/);
    }

    expect(errors).toEqual([]);
    expect(proxy.connections).toBe(1);
  });

  it('leaves what a group handed to it pending, and a repeated read does not return it', async () => {
    const { redis, proxy, client, errors } = await behindProxy({ socketTimeout: 800 });
    await redis.xgroup('CREATE', STREAM, 'workers', '0', 'MKSTREAM');
    const group = ['GROUP', 'workers', 'anna'] as const;

    proxy.swallowAll('replies');
    const read = client.xreadgroup(...group, 'BLOCK', 200, 'STREAMS', STREAM, '>');
    await redis.xadd(STREAM, '1-0', 'item', 'tea');
    await expect.poll(() => redis.xpending(STREAM, 'workers'), WAIT).toContain(1);
    await expect.poll(() => socketTimeouts(errors), WAIT).toBeGreaterThan(0);
    proxy.passOn();

    expect(await read).toBeNull();
    const history = await client.xreadgroup(...group, 'STREAMS', STREAM, '0');
    expect(history).toEqual([[STREAM, [['1-0', ['item', 'tea']]]]]);
  });
});

describe('an XADD whose reply is lost', () => {
  it('is sent again, and stored twice', async () => {
    const { redis, proxy, client } = await behindProxy({ socketTimeout: 300 });

    proxy.swallowAll('replies');
    const added = client.xadd(STREAM, '*', 'item', 'tea');
    await expect.poll(() => redis.xlen(STREAM), WAIT).toBe(1);
    proxy.passOn();
    await added;

    expect(await redis.xlen(STREAM)).toBe(2);
  });

  it('may be rejected although it was stored', async () => {
    const { redis, proxy, client } = await behindProxy({
      socketTimeout: 300,
      maxRetriesPerRequest: 0,
    });

    proxy.swallowAll('replies');
    const added = client.xadd(STREAM, '*', 'item', 'tea');

    await expect(added).rejects.toThrow(/max retries/);
    expect(await redis.xlen(STREAM)).toBe(1);
  });
});

describe('refused connections', () => {
  it('reject what waits after the retries, and the client goes on connecting', async () => {
    const { proxy, client } = await behindProxy({ maxRetriesPerRequest: 2 });
    const read = () => client.xread('BLOCK', 100, 'STREAMS', STREAM, '0');

    proxy.refuse();
    proxy.cut();
    await expect(read()).rejects.toThrow(/max retries/);
    await proxy.accept();

    expect(await read()).toBeNull();
  });
});

describe('a blocked read', () => {
  it('fails when its server becomes a replica', async () => {
    const { redis, client } = await behindProxy({});
    const read = client.xread('BLOCK', 60_000, 'STREAMS', STREAM, '$');
    await expect.poll(() => redis.client('LIST'), WAIT).toMatch(/flags=\S*b\S* .*cmd=xread/);

    const failure = expect(read).rejects.toThrow(/UNBLOCKED/);
    await redis.replicaof('127.0.0.1', 1);

    await failure;
  });

  it('holds up what is sent behind it', async () => {
    const { redis, client } = await behindProxy({});
    const order: string[] = [];
    const read = client
      .xread('BLOCK', 60_000, 'STREAMS', STREAM, '0')
      .then(() => order.push('read'));
    const length = client.xlen(STREAM).then(() => order.push('length'));
    await expect.poll(() => redis.client('LIST'), WAIT).toMatch(/flags=\S*b\S* .*cmd=xread/);

    await redis.xadd(STREAM, '1-0', 'item', 'tea');
    await Promise.all([read, length]);

    expect(order).toEqual(['read', 'length']);
  });
});
