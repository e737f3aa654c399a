import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shownPath } from '../../system/paths.ts';
import { findChapter, findProgram } from '../../workbook/book/chapters.ts';
import { command } from '../../workbook/commands/chapter.ts';
import { expectRefusal, expectRefused } from '../support/expectations.ts';
import { testServer } from '../support/redis.ts';
import { Bench } from '../support/workbook.ts';

describe('npm run chapter', () => {
  it('without a number lists every chapter and every program, in colour only when asked', async () => {
    const bench = new Bench();

    const coloured = await bench.runWith({ env: { FORCE_COLOR: '1' } }, 'chapter');
    const { stdout, code } = await bench.runWith(
      { env: { FORCE_COLOR: '1', NO_COLOR: '1' } },
      'chapter',
    );

    for (const number of [1, 2, 3, 4, 5, 6])
      expect(stdout).toMatch(new RegExp(`^${number} {2}\\w`, 'm'));
    expect(stdout).toMatch(/^ +consumer +A consumer of the group `analytics_group`:/m);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).not.toContain('\x1b');
    expect(coloured.stdout).toContain('\x1b[1m');
    expect(code).toBe(0);
  });

  it.each([
    [['9'], "There is no chapter '9'; there are 1 (anatomy-of-a-stream), 2 (producing),"],
    [['nonsense'], "There is no chapter 'nonsense'; there are 1 "],
    [['ing'], "'ing' could be chapter 2 (producing) or 3 (reading) or 5 (pending-and-trimming)."],
    [
      ['4', 'nonsense'],
      "Chapter 4 has no program 'nonsense'; it has consumer, group-start, history, stopping, noack.",
    ],
    [['gruops'], '(the-whole-pipeline).\nDid you mean consumer-groups?'],
    [['4', 'consmer'], 'noack.\nDid you mean consumer?'],
    [['4', '--liev'], "Unknown option '--liev'. Did you mean --live?"],
    [['5', 'trim-'], "Chapter 5 has no program 'trim-'"],
    [
      ['5', 'i'],
      "'i' could be pending-inspector or claim or trim or trimmed-pending or stream-info.",
    ],
    [['4', '--fast'], "Unknown option '--fast'."],
  ])('%j is refused', async (typed, message) => {
    await expectRefused(command, typed, message);
  });

  it.each([
    ['1', 'ids'],
    ['01', 'ids'],
    ['anatomy', 'id'],
    ['anatomy-of-a-stream', 'ids.ts'],
  ])('%s %s means a chapter and its program, by number, name or part of it', (chapter, program) => {
    const { file } = findProgram(findChapter(chapter), program);

    expect(shownPath(file)).toBe('chapters/01-anatomy-of-a-stream/ids.ts');
  });

  it('runs one program of a chapter', async () => {
    const { stdout, code } = await new Bench().run('chapter', 'anatomy', 'id');

    expect(stdout).toContain('XADD 5-1  -> 5-1');
    expect(code).toBe(0);
  });

  it('hands the arguments behind the name to the program, flags and all', async () => {
    const bench = new Bench();
    const consumer = bench.start('chapter', '4', 'consumer', '--live');

    await consumer.says(/joined analytics_group/);
    consumer.ctrlC();

    expect((await consumer.ended).code).toBe(0);
  });

  it('reports the exit code of a program that fails', async () => {
    const { code, stderr } = await new Bench().run('chapter', '2', 'producer', 'soon');

    expect(stderr).toBe("The pace is a number of milliseconds, not 'soon'.\n");
    expect(code).toBe(1);
  });
});

describe('npm run chapter on a server of the learner', () => {
  it('refuses to play over keys that are there, and does not touch them', async () => {
    const { server, redis } = await testServer();
    await redis.set('sensor_readings', 'years of work');

    const env = { REDIS_URL: server.url };
    const outcome = await new Bench().runWith({ env }, 'chapter', '4');

    expectRefusal(
      outcome,
      'Your server already holds what this scene wants to create: sensor_readings.',
    );
    expect(outcome.stderr).toContain(`REDIS_URL=${server.url}/9`);
    expect(await redis.get('sensor_readings')).toBe('years of work');
    expect(await redis.dbsize()).toBe(1);
  });

  it('plays there, in the database and as the user of its URL, and leaves it up', async () => {
    const { server, redis } = await testServer();
    await redis.acl('SETUSER', 'lena', 'on', '>s3cret p@ss', '~*', '&*', '+@all');
    const url = server.url.replace('//', `//lena:${encodeURIComponent('s3cret p@ss')}@`);

    const { stdout, code } = await new Bench().runWith(
      { env: { REDIS_URL: `${url}/3` } },
      'chapter',
      '2',
    );

    expect(stdout).toContain('Playing on your own server, redis://lena:***@');
    expect(stdout).not.toContain('s3cret');
    expect(code).toBe(0);
    await redis.select(3);
    expect(await redis.xlen('sensor_readings')).toBeGreaterThanOrEqual(10);
  });

  it('that does not answer says so', async () => {
    const env = { REDIS_URL: 'redis://127.0.0.1:1' };

    const outcome = await new Bench().runWith({ env }, 'chapter', '1');

    expectRefusal(outcome, 'No Redis answers at REDIS_URL, redis://127.0.0.1:1');
  });
});

describe('npm run chapter without a folder for temporary files', () => {
  it('says what it could not write', async () => {
    const bench = new Bench();
    const file = join(bench.folder, 'a-file');
    writeFileSync(file, '');

    const outcome = await bench.runWith({ env: { TMPDIR: file } }, 'chapter', '1');

    expectRefusal(outcome, /^A part of the path is no folder: .* \(TMPDIR can name another\)\.\n/);
  });
});
