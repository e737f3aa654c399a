import { describe, expect, it } from 'vitest';
import { place, toObject } from './place.ts';

// What the book that the chapters come from promises of its pipeline, checked in Redis.

const WAIT = { timeout: 20_000 };

describe('the pipeline', () => {
  it('produces and processes iot_data_stream with two workers, and shuts down cleanly', async () => {
    const { redis, start } = await place();

    const { stdout, code } = await start('6', 'pipeline', '2').ended;

    const entries = await redis.xrange('iot_data_stream', '-', '+');
    expect(entries.length).toBeGreaterThan(5);
    for (const [index, [, fields]] of entries.entries()) {
      const reading = toObject(fields);
      expect(Object.keys(reading)).toEqual(['device_id', 'temperature', 'pressure', 'timestamp']);
      expect(Number(reading.device_id)).toBe(100 + index);
      expect(Number(reading.temperature)).toBeGreaterThanOrEqual(20);
      expect(Number(reading.temperature)).toBeLessThanOrEqual(35);
      expect(Number(reading.pressure)).toBeGreaterThanOrEqual(900);
      expect(Number(reading.pressure)).toBeLessThanOrEqual(1100);
      expect(reading.timestamp).toMatch(/^\d{13}$/);
    }
    const handled = [...stdout.matchAll(/(worker-\d): acknowledged (\S+)/g)];
    expect(handled).toHaveLength(entries.length);
    expect(new Set(handled.map(([, , id]) => id))).toEqual(new Set(entries.map(([id]) => id)));
    expect(new Set(handled.map(([, worker]) => worker))).toEqual(new Set(['worker-1', 'worker-2']));
    expect(stdout.match(/shut down/g)).toHaveLength(2);
    expect(code).toBe(0);
    expect(await redis.xpending('iot_data_stream', 'data_processors')).toEqual([
      0,
      null,
      null,
      null,
    ]);
  });

  it('keeps about 5000 entries', async () => {
    const { redis, start } = await place();
    for (let n = 0; n < 7000; n++) void redis.xadd('iot_data_stream', '*', 'device_id', n);
    await redis.ping();

    const pipeline = start('6', 'pipeline', '1');
    await pipeline.says(/added/);
    pipeline.ctrlC();
    await pipeline.ended;

    const length = await redis.xlen('iot_data_stream');
    expect(length).toBeGreaterThanOrEqual(5000);
    expect(length).toBeLessThan(5100);
  });

  it('takes over what was left although there is always something new', async () => {
    const { redis, start } = await place();
    const key = 'iot_data_stream';
    await redis.xgroup('CREATE', key, 'data_processors', '0', 'MKSTREAM');
    for (let n = 1; n <= 500; n++) await redis.xadd(key, `${n}-0`, 'device_id', n);
    await redis.xreadgroup('GROUP', 'data_processors', 'dead', 'COUNT', 3, 'STREAMS', key, '>');
    const old = ['IDLE', 60_000, 'JUSTID'] as const;
    await redis.xclaim(key, 'data_processors', 'dead', 0, '1-0', '2-0', '3-0', ...old);

    const pipeline = start('6', 'pipeline', '60');
    await pipeline.says(/acknowledged 3-0/);
    const news = ['STREAMS', key, '>'] as const;
    const more = await redis.xreadgroup('GROUP', 'data_processors', 'other', 'COUNT', 1, ...news);
    pipeline.ctrlC();
    await pipeline.ended;

    expect(more, 'there was still something new').not.toBeNull();
    for (const id of ['1-0', '2-0', '3-0']) expect(pipeline.stdout).toContain(`taking over ${id}`);
  });

  it('takes over only what has been idle for five seconds', async () => {
    const { redis, start } = await place();
    const key = 'iot_data_stream';
    await redis.xgroup('CREATE', key, 'data_processors', '0', 'MKSTREAM');
    for (let n = 1; n <= 2; n++) await redis.xadd(key, `${n}-0`, 'device_id', n);
    await redis.xreadgroup('GROUP', 'data_processors', 'dead', 'STREAMS', key, '>');
    await redis.xclaim(key, 'data_processors', 'dead', 0, '1-0', 'IDLE', 60_000, 'JUSTID');

    const pipeline = start('6', 'pipeline', '60');
    const streamIsQuiet = redis.xgroup('SETID', key, 'data_processors', '99999999999999-0');
    await streamIsQuiet;
    // However long the start takes, 2-0 has been idle for three seconds.
    const touch = () =>
      redis.xclaim(key, 'data_processors', 'dead', 0, '2-0', 'IDLE', 3000, 'JUSTID');
    await expect.poll(() => touch().then(() => pipeline.stdout), WAIT).toContain('taking over 1-0');
    const early = /taking over 2-0/.test(pipeline.stdout);
    pipeline.ctrlC();
    await pipeline.ended;

    expect(early).toBe(false);
  });
});

describe('beside the pipeline', () => {
  it.each([
    ['one-step', /^MULTI twice: +total 50, pending 0$/m, /^a look first: +total 25, pending 0$/m],
    ['one-step', /^acknowledged, without its effect: +total broken, pending 0$/m],
    ['one-step', /^the same trouble: +total broken, pending 1$/m, /^alice.+: not mine any more$/m],
    ['watch', /^got tea: 5\nleft: 0$/m, /^9007199254740992-0 changes nothing\nmilk: 3$/m],
    ['find-streams', /^(workbook:visits:(anna|ben|carla) ?){3}$/m, /^pages: \d+$/m],
    ['lease', /^bob takes it: false$/m, /renews it: false\n.+: false\nbob gives it back: true$/m],
  ])('%s shows what it says', async (program, ...expected) => {
    const { start } = await place();

    const { code, stdout, stderr } = await start('6', program).ended;

    for (const lines of expected) expect(stdout).toMatch(lines);
    expect([code, stderr]).toEqual([0, '']);
  });
});
