import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { place, toObject } from './place.ts';

// What the book that the chapters come from promises of its producer and its readers, checked in Redis.

const WAIT = { timeout: 20_000 };

describe('the producer', () => {
  it('adds sensor readings with the fields and ranges of the book', async () => {
    const { redis, start } = await place();
    const producer = start('2', 'producer', '5');

    await expect.poll(() => redis.xlen('sensor_readings'), WAIT).toBeGreaterThan(30);
    producer.ctrlC();
    await producer.ended;

    const entries = await redis.xrange('sensor_readings', '-', '+');
    for (const [index, [id, fields]] of entries.entries()) {
      const reading = toObject(fields);
      const order = ['sensorId', 'temperature', 'humidity', 'location'];
      expect(Object.keys(reading)).toEqual(order);
      expect(id).toMatch(/^\d{13}-\d+$/);
      expect(Number(reading.sensorId)).toBe(index + 1);
      expect(reading.temperature).toMatch(/^\d\d\.\d\d$/);
      expect(Number(reading.temperature)).toBeGreaterThanOrEqual(10);
      expect(Number(reading.temperature)).toBeLessThanOrEqual(60);
      expect(Number(reading.humidity)).toBeGreaterThanOrEqual(20);
      expect(Number(reading.humidity)).toBeLessThanOrEqual(100);
      expect(reading.location).toBe(`room_${((index + 1) % 3) + 1}`);
    }
  });

  it('adds one per second unless told otherwise', async () => {
    const { redis, start } = await place();
    const producer = start('2', 'producer');

    await expect.poll(() => redis.xlen('sensor_readings'), WAIT).toBe(3);
    producer.ctrlC();
    await producer.ended;

    const times = (await redis.xrange('sensor_readings', '-', '+')).map(([id]) => parseInt(id, 10));
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990);
    expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it('keeps about 1000 entries: never fewer, and less than a block more', async () => {
    const { redis, start } = await place();
    for (let n = 0; n < 3000; n++) void redis.xadd('sensor_readings', '*', 'sensorId', n);
    await redis.ping();

    const producer = start('2', 'producer', '5');
    await producer.says(/added/);
    producer.ctrlC();
    await producer.ended;

    const length = await redis.xlen('sensor_readings');
    expect(length).toBeGreaterThanOrEqual(1000);
    expect(length).toBeLessThan(1100);
  });
});

const PYTHON = 'python3';
const hasRedisPy = spawnSync(PYTHON, ['-c', 'import redis']).status === 0;

describe('the producer in Python', () => {
  it.skipIf(!hasRedisPy)('adds entries that cannot be told from those of producer.ts', async () => {
    const { redis, bench, env, start } = await place();
    const file = join('chapters', '02-producing', 'producer.py');

    const producers = [bench.spawn(PYTHON, [file, '0.005'], { env }), start('2', 'producer', '5')];
    for (const producer of producers) await producer.says(/added \d+-\d+ sensor=9/);
    for (const producer of producers) producer.ctrlC();
    const outcomes = await Promise.all(producers.map(({ ended }) => ended));

    expect(outcomes.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    for (const [id, fields] of await redis.xrange('sensor_readings', '-', '+')) {
      expect(id).toMatch(/^\d{13}-\d+$/);
      expect(fields.join(' ')).toMatch(
        /^sensorId \d+ temperature \d\d\.\d\d humidity \d{2,3}\.\d\d location room_[123]$/,
      );
    }
  });
});

describe('the range reader', () => {
  it('prints the first ten entries, then the last five from the end, then every page', async () => {
    const { redis, start } = await place();
    for (let n = 1; n <= 24; n++) await redis.xadd('sensor_readings', `${n}-0`, 'sensorId', n);

    const { stdout, code } = await start('3', 'range').ended;

    const ids = [...stdout.matchAll(/^(\d+-0) \{/gm)].map(([, id]) => id);
    const firstTen = Array.from({ length: 10 }, (_, i) => `${i + 1}-0`);
    expect(ids).toEqual([...firstTen, '24-0', '23-0', '22-0', '21-0', '20-0']);
    expect(stdout).toContain('page 1: 10 entries, 1-0 to 10-0');
    expect(stdout).toContain('page 2: 10 entries, 11-0 to 20-0');
    expect(stdout).toContain('page 3: 4 entries, 21-0 to 24-0');
    expect(code).toBe(0);
  });

  it('says what to do when there is no entry yet', async () => {
    const { start } = await place();

    const { stdout, code } = await start('3', 'range').ended;

    expect(stdout).toContain('No entries yet. Run the producer: npm run chapter 2 producer');
    expect(code).toBe(0);
  });
});

describe('the tail', () => {
  it('prints new entries only, each once, in order, and ends on Ctrl+C while it waits', async () => {
    const { redis, start } = await place();
    await redis.xadd('sensor_readings', '1-0', 'sensorId', 'old');
    const tail = start('3', 'tail');
    await tail.says(/waiting for entries after 1-0/);

    for (let n = 2; n <= 40; n++) await redis.xadd('sensor_readings', `${n}-0`, 'sensorId', n);
    await tail.says(/new entry 40-0/);
    tail.ctrlC();
    const { stdout, code } = await tail.ended;

    const seen = [...stdout.matchAll(/new entry (\d+)-0/g)].map(([, n]) => Number(n));
    expect(seen).toEqual(Array.from({ length: 39 }, (_, i) => i + 2));
    expect(code).toBe(0);
  });
});
