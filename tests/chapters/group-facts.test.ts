import { describe, expect, it } from 'vitest';
import { isOlder } from '../../system/redis/binary.ts';
import { testServer } from '../support/redis.ts';

// What chapters 4 and 5 say of Redis beside their snippets, where servers differ, or where it takes two connections.

async function place() {
  const { server, redis } = await testServer();
  const version = server.name === 'Redis' ? server.version : '7.2';
  const lag = async () => {
    const [group = []] = (await redis.xinfo('GROUPS', 'log')) as unknown[][];
    return group[group.indexOf('lag') + 1];
  };
  await redis.xgroup('CREATE', 'log', 'crew', '0', 'MKSTREAM');
  const fill = async (count: number) => {
    for (let n = 1; n <= count; n++) await redis.xadd('log', `${n}-0`, 'n', n);
  };
  const read = (count: number) =>
    redis.xreadgroup('GROUP', 'crew', 'anna', 'COUNT', count, 'STREAMS', 'log', '>');
  return { redis, version, name: server.name, lag, fill, read };
}

describe('a consumer', () => {
  it('is made by an empty read from 7.2 on, and in 7.0 by a look at its own history', async () => {
    const { redis, version } = await place();
    const names = async () =>
      ((await redis.xinfo('CONSUMERS', 'log', 'crew')) as string[][]).map(([, name]) => name);

    await redis.xreadgroup('GROUP', 'crew', 'new', 'STREAMS', 'log', '>');
    expect(await names()).toEqual(isOlder(version, '7.2') ? [] : ['new']);

    await redis.xreadgroup('GROUP', 'crew', 'own', 'STREAMS', 'log', '0');
    expect(await names()).toContain('own');
  });
});

describe('the lag', () => {
  it('is unknown while a deleted entry is ahead of the group, and known again at the end', async () => {
    const { redis, lag, fill, read } = await place();
    await fill(10);
    await read(2);

    await redis.xdel('log', '7-0');
    expect(await lag()).toBeNull();

    await read(10);
    expect(await lag()).toBe(0);
  });

  it('is too large after trimming in 7.0 and in Valkey, until Valkey reads on', async () => {
    const { redis, lag, fill, read, name, version } = await place();
    await fill(10);
    await read(2);

    await redis.xtrim('log', 'MAXLEN', '=', 4);
    expect(await lag()).toBe(name === 'Redis' && !isOlder(version, '8.0') ? 4 : 8);

    await read(10);
    expect(await lag()).toBe(isOlder(version, '7.2') ? 4 : 0);
  });
});

describe('trimming', () => {
  it('is safe up to the smallest pending id, or else up to what was handed out', async () => {
    const { redis, fill, read } = await place();
    await fill(6);
    await read(4);
    await redis.xack('log', 'crew', '1-0', '3-0');

    const [, smallest] = (await redis.xpending('log', 'crew')) as [number, string];
    await redis.xtrim('log', 'MINID', '=', smallest);

    const own = await redis.xreadgroup('GROUP', 'crew', 'anna', 'STREAMS', 'log', '0');
    expect(own?.[0]?.[1].map(([, fields]) => fields)).toEqual([
      ['n', '2'],
      ['n', '4'],
    ]);
    expect((await read(10))?.[0]?.[1].map(([id]) => id)).toEqual(['5-0', '6-0']);
  });

  it('by XACKDEL, where there is one, asks no other group, unless it is told to', async () => {
    const { redis, fill, read } = await place();
    await fill(2);
    await redis.xgroup('CREATE', 'log', 'others', '0');
    await read(2);
    const plain = await redis
      .call('XACKDEL', 'log', 'crew', 'IDS', 1, '1-0')
      .catch((error: Error) => error.message);
    if (/unknown command/.test(String(plain))) return;

    await redis.call('XACKDEL', 'log', 'crew', 'ACKED', 'IDS', 1, '2-0');

    expect((await redis.xrange('log', '-', '+')).map(([id]) => id)).toEqual(['2-0']);
  });
});
