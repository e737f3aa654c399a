import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { Connection } from '../../system/resp/connection.ts';
import { expectNothingLeft } from '../support/expectations.ts';
import { Bench, type Running } from '../support/workbook.ts';

async function startShared(bench: Bench): Promise<{ shared: Running; url: string }> {
  const shared = bench.start('redis');
  const [, url = ''] = await shared.says(/is up: (redis:\S+)[\s\S]*Ctrl\+C/);
  return { shared, url };
}

describe('npm run redis', () => {
  it('keeps a server up that other commands use, until Ctrl+C, and a second time says where it is', async () => {
    const bench = new Bench();
    const { shared, url } = await startShared(bench);

    const second = await bench.run('redis');
    const producer = bench.start('chapter', '2', 'producer', '20');
    const consumer = bench.start('chapter', '4', 'consumer', 'alpha');
    await consumer.says(/working on/);
    consumer.kill('SIGKILL');
    const inspector = await bench.run('chapter', '5', 'pending-inspector');
    const prompt = await bench.run('cli', '--own', 'EXISTS', 'sensor_readings');
    producer.ctrlC();
    await producer.ended;
    shared.ctrlC();
    const { code, stderr } = await shared.ended;

    for (const command of [
      'chapter 2 producer',
      'chapter 4 consumer alpha',
      'watch-stream',
      'cli',
    ]) {
      expect(shared.stdout).toMatch(new RegExp(`^  npm run ${command}  +\\S`, 'm'));
    }
    expect(second.stdout).toContain(`is up already: ${url}`);
    expect(second.code).toBe(0);
    expect(inspector.stdout).toMatch(/pending in analytics_group: \d/);
    expect(prompt.stdout).toBe('(integer) 1\n');
    expect(url).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    await expectNothingLeft(bench);
  });

  it('twice at the same moment makes one shared server', async () => {
    const bench = new Bench();

    const both = [bench.start('redis'), bench.start('redis')];
    const loser = await Promise.race(both.map(({ ended }) => ended));

    expect(loser.stdout + loser.stderr).toMatch(/is up already|a moment faster/);
    expect(both.filter(({ child }) => child.exitCode === null)).toHaveLength(1);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('ended by %s leaves nothing behind', async (signal) => {
    const bench = new Bench();
    const { shared } = await startShared(bench);

    shared.kill(signal);

    await shared.ended;
    await expectNothingLeft(bench);
  });

  it('ends with a word when somebody shuts the server down', async () => {
    const bench = new Bench();
    const { shared, url } = await startShared(bench);
    const connection = await Connection.open(url);

    void connection.send(['SHUTDOWN', 'NOSAVE']).catch(() => {});
    const { code, stderr } = await shared.ended;

    expect(stderr).toBe('The server has ended: somebody shut it down.\n');
    expect(code).toBe(1);
    await expectNothingLeft(bench);
  });

  it.each([
    ['a server that is gone', '{"url":"redis://127.0.0.1:1","runId":"gone"}'],
    ['nothing that makes sense', 'not even JSON'],
  ])('is not misled by a note of %s', async (_, note) => {
    const bench = new Bench();
    mkdirSync(bench.state);
    writeFileSync(join(bench.state, 'shared-redis.json'), note);

    const { stdout, code } = await bench.run('chapter', '1', 'ids');
    await startShared(bench);

    expect(stdout).toContain('This program has a ');
    expect(code).toBe(0);
    expect(readFileSync(join(bench.state, 'shared-redis.json'), 'utf8')).toContain(
      'redis://127.0.0.1:',
    );
  });
});

describe('a scene on the shared server', () => {
  it('deletes the keys that it needs, says so, and touches nothing else', async () => {
    const bench = new Bench();
    const { url } = await startShared(bench);
    const redis = new Redis(url);
    await redis.mset('sensor_readings', 'from an earlier scene', 'mine', 'untouched');

    const { stdout, code } = await bench.run('chapter', '2');

    expect(stdout).toContain(`Playing on the shared server, ${url}`);
    expect(stdout).toContain('Deleted there, for a clean start: sensor_readings');
    expect(code).toBe(0);
    expect(await redis.get('mine')).toBe('untouched');
    redis.disconnect();
  });

  it('makes way for one that is playing there already', async () => {
    const bench = new Bench();
    await startShared(bench);
    const first = bench.start('chapter', '4');
    await first.says(/joined/);

    const second = await bench.run('chapter', '2');

    expect(second.stdout.replace(/\s+/g, ' ')).toContain(
      'Another scene is playing on the shared server, so this one plays on a server of its own.',
    );
    expect(second.code).toBe(0);
    expect((await first.ended).code).toBe(0);
  });
});
