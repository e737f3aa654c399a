import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/workbook.ts';
import { place } from './place.ts';

// What the book that the chapters come from promises of pending entries and of trimming, checked in Redis.

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

describe('trimming', () => {
  it('leaves more with ~ than with =, by number and by age', async () => {
    const { redis, start } = await place();

    const { stdout } = await start('5', 'trim').ended;

    const left = (how: string) => {
      const [, removed, kept, oldest] =
        new RegExp(`^XTRIM ${how} +removed (\\d+), left (\\d+), oldest (\\S+)$`, 'm').exec(
          stdout,
        ) ?? [];
      return [Number(removed), Number(kept), oldest];
    };
    expect(left('MAXLEN = 230')).toEqual([220, 230, '221-0']);
    expect(left('MAXLEN ~ 230')).toEqual([200, 250, '201-0']);
    expect(left('MINID = 150-0')).toEqual([149, 301, '150-0']);
    expect(left('MINID ~ 150-0')).toEqual([100, 350, '101-0']);
    expect(await redis.xlen('workbook:clicks'), 'the last hour').toBe(1);
  });

  it('leaves shells and loses what nobody has read', async () => {
    const { redis, start } = await place();

    const { stdout } = await start('5', 'trimmed-pending').ended;

    expect(stdout).toContain('asks for them again: [["1-0",null],["2-0",null]]');
    expect(stdout).toMatch(/^the next new invoices: 5-0 6-0$/m);
    expect(stdout).toMatch(/takes off the list: \[ '1-0', '2-0' \]\npending now: 2$/m);
    expect((await redis.xpending('workbook:invoices', 'bookkeeping'))[0]).toBe(2);
  });
});

describe('a renewed hold', () => {
  it('starts the idle time again for the holder, and never robs a successor', async () => {
    const { redis, start } = await place();

    const { code, stdout, stderr } = await start('5', 'renew').ended;

    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.split('\n').slice(0, -1)).toEqual([
      'alice cuts it: alice has 1-0, deliveries: 1',
      'alice renews her hold: true; bob was given: 0',
      'still: alice has 1-0, deliveries: 1',
      'alice is paused',
      'bob takes over: bob has 1-0, deliveries: 2',
      'alice renews her hold: false',
      'still: bob has 1-0, deliveries: 2',
      'without the look: alice has 1-0, deliveries: 2',
    ]);
    const names = (await redis.xinfo('CONSUMERS', 'workbook:films', 'cutters')) as string[][];
    expect(names.map(([, name]) => name)).toEqual(['alice', 'bob']);
  });

  it('is nothing where there is nothing to hold: acknowledged, deleted, or somebody unknown', async () => {
    const { redis } = await place();
    const code = readFileSync(join(ROOT, 'chapters/05-pending-and-trimming/renew.ts'), 'utf8');
    const script = /const renewal = `([^`]+)`/.exec(code)?.[1] ?? '';
    const renew = (me: string, id: string) => redis.eval(script, 1, 'films', 'cutters', me, id);
    await redis.xgroup('CREATE', 'films', 'cutters', '0', 'MKSTREAM');
    for (const id of ['1-0', '2-0']) await redis.xadd('films', id, 'film', id);
    await redis.xreadgroup('GROUP', 'cutters', 'alice', 'STREAMS', 'films', '>');
    await redis.xack('films', 'cutters', '1-0');
    await redis.xdel('films', '2-0');

    expect(await renew('nobody', '2-0')).toBe(0);
    expect(await renew('alice', '1-0')).toBe(0);
    expect(await renew('alice', '2-0')).toBe(0);
    expect((await redis.xpending('films', 'cutters'))[0]).toBe(0);
    const names = (await redis.xinfo('CONSUMERS', 'films', 'cutters')) as string[][];
    expect(names.map(([, name]) => name)).toEqual(['alice']);
  });
});
