import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testServer } from '../support/redis.ts';
import { Bench } from '../support/workbook.ts';

describe('npm run chapter', () => {
  it('without a number lists every chapter and every program', async () => {
    const { stdout, code } = await new Bench().run('chapter');

    for (const number of [1, 2, 3, 4, 5, 6])
      expect(stdout).toMatch(new RegExp(`^${number} {2}\\w`, 'm'));
    expect(stdout).toMatch(/^ +consumer +A consumer of the group `analytics_group`:/m);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(code).toBe(0);
  });

  it.each([
    [['9'], "There is no chapter '9'; there are 1 (anatomy-of-a-stream), 2 (producing),"],
    [['nonsense'], "There is no chapter 'nonsense'; there are 1 "],
    [['ing'], "'ing' could be chapter 2 (producing) or 3 (reading) or 5 (pending-and-trimming)."],
    [
      ['4', 'nonsense'],
      "Chapter 4 has no program 'nonsense'; it has consumer, group-start, history, noack.",
    ],
    [['5', 'trim-'], "Chapter 5 has no program 'trim-'"],
    [
      ['5', 'i'],
      "'i' could be pending-inspector or stream-info or claim or trim or trimmed-pending.",
    ],
    [['4', '--fast'], "Unknown option '--fast'."],
  ])('%j is refused in one line, with exit code 1', async (args, message) => {
    const { stderr, stdout, code } = await new Bench().run('chapter', ...args);

    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });

  it.each([
    [['1', 'ids']],
    [['01', 'ids']],
    [['anatomy', 'id']],
    [['anatomy-of-a-stream', 'ids.ts']],
  ])('%j finds chapter and program by number, name or part of it', async (args) => {
    const { stdout, code } = await new Bench().run('chapter', ...args);

    expect(stdout).toContain('XADD 5-1  -> 5-1');
    expect(code).toBe(0);
  });

  it('shows how it is typed on --help', async () => {
    const { stdout, code } = await new Bench().run('chapter', '--help');

    expect(stdout).toContain('npm run chapter 4 consumer alpha');
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

  it('colours its output when FORCE_COLOR asks for it, and not when NO_COLOR forbids it', async () => {
    const bench = new Bench();

    const coloured = await bench.runWith({ env: { FORCE_COLOR: '1' } }, 'chapter');
    const plain = await bench.runWith({ env: { FORCE_COLOR: '1', NO_COLOR: '1' } }, 'chapter');

    expect(coloured.stdout).toContain('\x1b[1m');
    expect(plain.stdout).not.toContain('\x1b');
  });
});

describe('npm run chapter on a server of the learner', () => {
  it('plays there, and leaves the server up', async () => {
    const { server, redis } = await testServer();

    const { stdout, code } = await new Bench().runWith(
      { env: { REDIS_URL: server.url } },
      'chapter',
      '2',
    );

    expect(stdout).toContain(`Playing on your own server, ${server.url}`);
    expect(await redis.xlen('sensor_readings')).toBeGreaterThanOrEqual(10);
    expect(code).toBe(0);
  });

  it('refuses to play over keys that are there, and does not touch them', async () => {
    const { server, redis } = await testServer();
    await redis.set('sensor_readings', 'years of work');

    const { stderr, code } = await new Bench().runWith(
      { env: { REDIS_URL: server.url } },
      'chapter',
      '4',
    );

    expect(stderr).toContain(
      'Your server already holds what this scene wants to create: sensor_readings.',
    );
    expect(stderr).toContain(`REDIS_URL=${server.url}/9`);
    expect(code).toBe(1);
    expect(await redis.get('sensor_readings')).toBe('years of work');
    expect(await redis.dbsize()).toBe(1);
  });

  it('uses the database, user and password of the URL', async () => {
    const { server, redis } = await testServer();
    await redis.acl('SETUSER', 'lena', 'on', '>s3cret p@ss', '~*', '&*', '+@all');
    const url = server.url.replace('//', `//lena:${encodeURIComponent('s3cret p@ss')}@`);

    const { stdout, code } = await new Bench().runWith(
      { env: { REDIS_URL: `${url}/3` } },
      'chapter',
      '2',
    );

    expect(stdout).toContain('lena:***@');
    expect(stdout).not.toContain('s3cret');
    expect(code).toBe(0);
    await redis.select(3);
    expect(await redis.exists('sensor_readings')).toBe(1);
  });

  it.each([
    ['redis://127.0.0.1:1', 'No Redis answers at REDIS_URL, redis://127.0.0.1:1'],
    ['localhost:6379', 'REDIS_URL is not the address of a Redis: localhost:6379'],
    ['redis://', 'No Redis answers at REDIS_URL'],
  ])('says what is wrong with REDIS_URL=%s', async (url, message) => {
    const { stderr, code } = await new Bench().runWith({ env: { REDIS_URL: url } }, 'chapter', '1');

    expect(stderr).toContain(message);
    expect(stderr).toMatch(/unset/i);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
  });
});

describe('npm run chapter on something else than a Redis of today', () => {
  const INFO = 'redis_version:6.2.14\r\nrun_id:x\r\nprocess_id:1\r\n';

  it.each([
    [
      'a Redis that is too old',
      `$${INFO.length}\r\n${INFO}\r\n`,
      'REDIS_URL names Redis 6.2.14; the workbook needs 7.0',
    ],
    ['a web server', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'This is not a Redis server'],
    [
      'a Redis that wants a password',
      '-NOAUTH Authentication required.\r\n',
      'NOAUTH Authentication required.',
    ],
    ['a server that does not answer', '', 'no answer within 5 seconds'],
  ])('names the trouble with %s', async (_, answer, message) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write(answer));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const env = { REDIS_URL: `redis://127.0.0.1:${port}` };

    const { stderr, code } = await new Bench().runWith({ env }, 'chapter', '1');

    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
  });
});

describe('npm run chapter without a folder for temporary files', () => {
  it('says what it could not write', async () => {
    const bench = new Bench();
    const file = join(bench.folder, 'a-file');
    writeFileSync(file, '');

    const { stderr, code } = await bench.runWith({ env: { TMPDIR: file } }, 'chapter', '1');

    expect(stderr).toMatch(/^A part of the path is no folder: .* \(TMPDIR can name another\)\.\n/);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
  });
});
