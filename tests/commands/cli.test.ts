import { describe, expect, it } from 'vitest';
import { expectNothingLeft } from '../support/expectations.ts';
import { testServer } from '../support/redis.ts';
import { Bench } from '../support/workbook.ts';

describe("the workbook's own prompt, fed from a pipe", () => {
  it('runs lines one by one until quit, and prints replies as redis-cli does on a terminal', async () => {
    const { server, redis } = await testServer();
    const input = [
      'PING',
      `XADD notes 1-0 text "it's \\"quoted\\"" 'and' 'it\\'s not'`,
      '  ',
      'XRANGE notes - +',
      'XREAD COUNT 1 STREAMS notes 1-0',
      'NOSUCHCOMMAND',
      'SET "unbalanced',
      'DEL notes',
      'quit',
      'SET after quit',
    ].join('\n');

    const { stdout, stderr, code } = await new Bench().runWith(
      { env: { REDIS_URL: server.url }, input },
      'cli',
      '--own',
    );

    expect(stdout.split('\n')).toEqual([
      'PONG',
      '"1-0"',
      '1) 1) "1-0"',
      '   2) 1) "text"',
      '      2) "it\'s \\"quoted\\""',
      '      3) "and"',
      '      4) "it\'s not"',
      '(nil)',
      expect.stringMatching(/^\(error\) ERR unknown command/),
      '(integer) 1',
      '',
    ]);
    expect(stderr).toBe('Invalid argument(s)\n');
    expect(await redis.exists('after')).toBe(0);
    expect(code).toBe(0);
  });

  it('says so and goes on when the server closes the connection', async () => {
    const { server } = await testServer();

    const input = 'CLIENT KILL TYPE normal SKIPME no\nPING\nPING\n';
    const { stdout, stderr, code } = await new Bench().runWith(
      { env: { REDIS_URL: server.url }, input },
      'cli',
      '--own',
    );

    expect(stderr).toMatch(/^(The server closed the connection\.\n)?$/);
    expect(stdout).toMatch(/PONG\n$/);
    expect(code).toBe(0);
  });
});

describe('one command on the command line', () => {
  it('prints its reply; exit code 1 when the server answers an error', async () => {
    const { server } = await testServer();
    const env = { REDIS_URL: server.url };

    const good = await new Bench().runWith({ env }, 'cli', '--own', 'XADD', 's', '1-0', 'a', 'b c');
    const bad = await new Bench().runWith({ env }, 'cli', '--own', 'XADD', 's');

    expect(good).toMatchObject({ stdout: '"1-0"\n', code: 0 });
    expect(bad.stdout).toMatch(/^\(error\) ERR wrong number of arguments/);
    expect(bad.code).toBe(1);
  });

  it('goes to redis-cli where there is one', async () => {
    const { server, redis } = await testServer();

    const { code } = await new Bench().runWith(
      { env: { REDIS_URL: `${server.url}/2` } },
      'cli',
      'XADD',
      's',
      '1-0',
      'celsius',
      '-5',
    );

    await redis.select(2);
    expect(await redis.xrange('s', '-', '+')).toEqual([['1-0', ['celsius', '-5']]]);
    expect(code).toBe(0);
  });

  it('has a server of its own when no shared one is up', async () => {
    const bench = new Bench();

    const { stdout, code } = await bench.run('cli', '--own', 'DBSIZE');

    expect(stdout).toBe('(integer) 0\n');
    expect(code).toBe(0);
    await expectNothingLeft(bench);
  });
});
