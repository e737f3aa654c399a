import { describe, expect, it } from 'vitest';
import { place, toObject } from './place.ts';

// What the book that the chapters come from promises of its consumer groups, checked in Redis.

const WAIT = { timeout: 20_000 };

describe('the group consumer', () => {
  it('shares entries among three consumers, each entry to exactly one, all acknowledged', async () => {
    const { redis, start } = await place();
    for (let n = 1; n <= 18; n++) await redis.xadd('sensor_readings', `${n}-0`, 'sensorId', n);

    const consumers = ['alpha', 'beta', 'gamma'].map((name) => start('4', 'consumer', name));
    const acknowledged = () =>
      consumers.flatMap(({ stdout }) =>
        [...stdout.matchAll(/acknowledged (\S+)/g)].map(([, id]) => id),
      );
    await expect.poll(() => acknowledged().length, WAIT).toBe(18);
    for (const consumer of consumers) consumer.ctrlC();
    const outcomes = await Promise.all(consumers.map(({ ended }) => ended));

    expect(new Set(acknowledged()).size).toBe(18);
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0]);
    for (const { stdout } of outcomes) expect(stdout).toContain('acknowledged');
    expect(await redis.xpending('sensor_readings', 'analytics_group')).toEqual([
      0,
      null,
      null,
      null,
    ]);
  });

  it('is named after its process when it gets no name', async () => {
    const { redis, start } = await place();
    await redis.xadd('sensor_readings', '1-0', 'sensorId', 1);

    const consumer = start('4', 'consumer');
    await consumer.says(/acknowledged/);
    consumer.ctrlC();
    await consumer.ended;

    const consumers = await redis.xinfo('CONSUMERS', 'sensor_readings', 'analytics_group');
    expect(String(consumers)).toMatch(/^name,consumer_\d+,/);
  });

  it('started from $, never sees what was there before', async () => {
    const { redis, start } = await place();
    await redis.xadd('sensor_readings', '1-0', 'sensorId', 1);
    const consumer = start('4', 'consumer', 'alpha', '$');
    await consumer.says(/joined/);

    await redis.xadd('sensor_readings', '2-0', 'sensorId', 2);
    await consumer.says(/acknowledged 2-0/);
    consumer.ctrlC();

    expect((await consumer.ended).stdout).not.toContain('1-0');
  });

  it('finishes and acknowledges the entry in its hands on Ctrl+C', async () => {
    const { redis, start } = await place();
    for (let n = 1; n <= 5; n++) await redis.xadd('sensor_readings', `${n}-0`, 'sensorId', n);
    const consumer = start('4', 'consumer', 'alpha');

    await consumer.says(/working on 1-0/);
    consumer.ctrlC();
    const { code, stdout } = await consumer.ended;

    expect(stdout).toContain('acknowledged 1-0');
    expect(code).toBe(0);
    expect(await redis.xpending('sensor_readings', 'analytics_group')).toEqual([
      0,
      null,
      null,
      null,
    ]);
  });

  it.each([
    ['its stream', ['DEL', 'sensor_readings']],
    ['its group', ['XGROUP', 'DESTROY', 'sensor_readings', 'analytics_group']],
  ])('makes the group again when somebody deletes %s', async (_, [deletion = '', ...what]) => {
    const { redis, start } = await place();
    const consumer = start('4', 'consumer', 'alpha');
    await consumer.says(/joined/);
    await expect.poll(() => redis.client('LIST'), WAIT).toContain('cmd=xreadgroup');

    await redis.call(deletion, ...what);
    await consumer.says(/making them again/);
    await redis.xadd('sensor_readings', '*', 'sensorId', 7);
    await consumer.says(/\(sensorId 7\)[\s\S]*acknowledged/);
    consumer.ctrlC();

    expect((await consumer.ended).code).toBe(0);
  });
});

describe('the worker that is told to stop', () => {
  it('leaves behind what hangs and what it has not begun, and acknowledges neither', async () => {
    const { redis, start } = await place();

    const { code, stdout, stderr } = await start('4', 'stopping').ended;

    expect(stdout).toMatch(/^1-0: done$/m);
    expect(stdout).toMatch(/^2-0: left behind$/m);
    expect(stdout).not.toContain('working on 3-0');
    expect(stdout).toMatch(/^still pending: 2-0 3-0\n2-0 has come to its end$/m);
    expect([code, stderr]).toEqual([0, '']);
    expect(await redis.xpending('workbook:stopping', 'workers')).toContain(2);
  });
});

describe('the pending inspector', () => {
  it('shows the summary and each entry with consumer, idle time and deliveries', async () => {
    const { redis, start } = await place();
    await redis.xgroup('CREATE', 'sensor_readings', 'analytics_group', '0', 'MKSTREAM');
    for (let n = 1; n <= 3; n++) await redis.xadd('sensor_readings', `${n}-0`, 'sensorId', n);
    const read = ['STREAMS', 'sensor_readings', '>'] as const;
    await redis.xreadgroup('GROUP', 'analytics_group', 'alpha', 'COUNT', 2, ...read);
    await redis.xreadgroup('GROUP', 'analytics_group', 'beta', 'COUNT', 1, ...read);

    const { stdout } = await start('5', 'pending-inspector').ended;

    expect(stdout).toContain(
      'pending in analytics_group: 3\nfrom 1-0 to 3-0\n  alpha: 2\n  beta: 1\n',
    );
    expect(stdout).toMatch(/^1-0 held by alpha, idle \d+ ms, delivered 1 time\(s\)$/m);
    expect(stdout).toMatch(/^3-0 held by beta, idle \d+ ms, delivered 1 time\(s\)$/m);
  });

  it('says what to do when there is no group yet', async () => {
    const { start } = await place();

    const { stdout, code } = await start('5', 'inspector').ended;

    expect(stdout).toContain('Run a consumer first: npm run chapter 4 consumer alpha');
    expect(code).toBe(0);
  });
});

describe('claim and recover', () => {
  it.each([
    ['claim', 'nothing has been pending for 1000 ms'],
    ['recover', 'recovered 0 entries'],
  ])('%s has nothing to do on an empty server, and says so', async (program, message) => {
    const { start } = await place();

    const { stdout, stderr, code } = await start('5', program).ended;

    expect(stdout).toContain(message);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });
});

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
    ['one-step', /^got tea: 5\nleft: 0$/m, /^9007199254740992-0 changes nothing\nmilk: 3$/m],
    ['find-streams', /^(workbook:visits:(anna|ben|carla) ?){3}$/m, /^pages: \d+$/m],
    ['lease', /^bob takes it: false$/m, /renews it: false\n.+: false\nbob gives it back: true$/m],
  ])('%s shows what it says', async (program, ...expected) => {
    const { start } = await place();

    const { code, stdout, stderr } = await start('6', program).ended;

    for (const lines of expected) expect(stdout).toMatch(lines);
    expect([code, stderr]).toEqual([0, '']);
  });
});
