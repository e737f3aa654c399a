import { describe, expect, it } from 'vitest';
import { place } from './place.ts';

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

  it('asks for a name when it gets none', async () => {
    const { start } = await place();

    const { code, stderr } = await start('4', 'consumer').ended;

    expect(stderr).toBe(
      'A consumer needs a name that it keeps: npm run chapter 4 consumer alpha\n',
    );
    expect(code).toBe(1);
  });

  it('finishes first what its name was given before a crash, and prints whole entries', async () => {
    const { redis, start } = await place();
    const group = 'analytics_group';
    await redis.xgroup('CREATE', 'sensor_readings', group, '0', 'MKSTREAM');
    for (let n = 1; n <= 3; n++)
      await redis.xadd('sensor_readings', `${n}-0`, 'sensorId', n, 'at', 'room_1');
    const news = ['STREAMS', 'sensor_readings', '>'] as const;
    await redis.xreadgroup('GROUP', group, 'beta', 'COUNT', 1, ...news);
    await redis.xreadgroup('GROUP', group, 'alpha', 'COUNT', 1, ...news);

    const consumer = start('4', 'consumer', 'alpha');
    await consumer.says(/acknowledged 3-0/);
    consumer.ctrlC();

    const { stdout } = await consumer.ended;
    const worked = [...stdout.matchAll(/working on (.+)/g)].map(([, entry]) => entry);
    expect(worked).toEqual(['2-0 sensorId 2 at room_1', '3-0 sensorId 3 at room_1']);
    expect((await redis.xpending('sensor_readings', group))[0], 'what beta holds').toBe(1);
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
