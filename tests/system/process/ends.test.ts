import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { expectNothingLeft } from '../../support/expectations.ts';
import { Bench, type Running } from '../../support/workbook.ts';

// However a command ends, nothing of it may be left: no process, no file.

const WAIT = { timeout: 15_000 };

type Way = 'SIGKILL' | 'SIGTERM' | 'SIGHUP' | 'Ctrl+C';

/** Each with the exit code, or, before Node has come to our first line, the signal itself. */
const WAYS: [Way, (number | string)[]][] = [
  ['SIGKILL', ['SIGKILL']],
  ['SIGTERM', [143, 'SIGTERM']],
  ['SIGHUP', [129, 'SIGHUP']],
  ['Ctrl+C', [130, 'SIGINT']],
];

const MOMENTS = {
  'before the first line': () => Promise.resolve(),
  'while the server starts': (scene: Running) => scene.says(/^Chapter 4/),
  'when the first program is up': (scene: Running) => scene.says(/joined/),
  'while three consumers work': (scene: Running) => scene.says(/gamma \| working on/),
  'after a crash': (scene: Running) => scene.says(/killed with SIGKILL/),
  'near the end': (scene: Running) => scene.says(/3\. What the group remembers/),
};

describe.each(Object.entries(MOMENTS))('a scene that is ended %s', (_, moment) => {
  it('leaves nothing behind, whatever the signal, and has its exit code', async () => {
    await Promise.all(
      WAYS.map(async ([way, exits]) => {
        const bench = new Bench();
        const scene = bench.start('chapter', '4');
        await moment(scene);

        if (way === 'Ctrl+C') scene.ctrlC();
        else scene.kill(way);
        const { code, signal, stderr } = await scene.ended;

        expect(stderr, `${way}: no stack trace, no complaint`).toBe('');
        expect(code ?? signal, way).toBeOneOf(exits);
        await expectNothingLeft(bench);
      }),
    );
  });
});

describe('other ways to end', () => {
  it('goes when npm, which started it, is killed with SIGKILL', async () => {
    const bench = new Bench();
    const npm = bench.spawn('npm', ['run', '--silent', 'redis']);
    await npm.says(/is up/);

    npm.kill('SIGKILL');

    await expectNothingLeft(bench);
  });

  // While it wakes up, and has not looked at npm yet.
  it.each([0, 20, 40, 80, 120, 160, 200, 300])(
    'goes when npm is killed with SIGKILL %i ms after it has started it',
    async (milliseconds) => {
      const bench = new Bench();
      const npm = bench.spawn('npm', ['run', '--silent', 'redis']);
      await expect
        .poll(() => bench.survivors().some((line) => line.includes('launch.cjs')), {
          ...WAIT,
          interval: 1,
        })
        .toBe(true);
      // Not a wait for something: it chooses the moment of the kill.
      await sleep(milliseconds);

      npm.kill('SIGKILL');

      await expectNothingLeft(bench);
    },
  );

  it('goes with all its processes when nobody reads its output any more', async () => {
    const bench = new Bench();
    const scene = bench.start('chapter', '4');
    await scene.says(/alpha \| working on/);
    const seen = bench.survivors().join('\n');

    scene.child.stdout?.destroy();
    const { code, stderr } = await scene.ended;

    expect(code).toBe(0);
    expect(stderr).toBe('');
    await expectNothingLeft(bench);
    // The search for what is left would have seen it.
    expect(seen).toContain('launch.cjs chapter 4');
    expect(seen).toContain('guardian-process.cjs');
    expect(seen).toMatch(/redis-server|valkey-server/);
    // The producer with its pace, a consumer with its name.
    expect(seen).toMatch(/^.*node.* 100$/m);
    expect(seen).toMatch(/^.*node.* alpha$/m);
  });

  it('waits for a program that is still finishing its work on Ctrl+C, with its server up', async () => {
    const bench = new Bench();
    const pipeline = bench.start('chapter', '6', 'pipeline', '60');
    await pipeline.says(/worker-1: working on (\S+)/);

    pipeline.ctrlC();
    const { code, stdout, stderr } = await pipeline.ended;

    const started = [...stdout.matchAll(/working on (\S+)/g)].map(([, id]) => id);
    const acknowledged = [...stdout.matchAll(/acknowledged (\S+)/g)].map(([, id]) => id);
    expect(new Set(acknowledged)).toEqual(new Set(started));
    expect(stderr).toBe('');
    expect(code).toBe(0);
    await expectNothingLeft(bench);
  });

  it('passes `kill` of a single program on to the program', async () => {
    const bench = new Bench();
    const consumer = bench.start('chapter', '2', 'producer');
    await consumer.says(/added/);

    consumer.kill('SIGTERM');
    await consumer.ended;

    await expectNothingLeft(bench);
  });

  it('is ended by Ctrl+C with code 0 where that is the normal end', async () => {
    const bench = new Bench();
    const live = bench.start('chapter', '2', '--live');
    await live.says(/Live: the programs go on/);
    const added = live.stdout.length;
    await expect.poll(() => live.stdout.length, WAIT).toBeGreaterThan(added);

    live.ctrlC();

    expect((await live.ended).code).toBe(0);
    await expectNothingLeft(bench);
  });
});

describe('two scenes at the same time', () => {
  it('do not disturb each other, nor a program on port 6379', async () => {
    const other = createServer();
    // Should the port be taken already, so much the better.
    await new Promise<void>((resolve) => {
      other.once('error', () => resolve());
      other.listen(6379, '127.0.0.1', resolve);
    });
    const bench = new Bench();

    const outcomes = await Promise.all([bench.run('chapter', '4'), bench.run('chapter', '4')]);

    for (const { code, stdout, stderr } of outcomes) {
      expect(stderr).toBe('');
      expect(code).toBe(0);
      // One producer each: no sensor turns up twice.
      const sensors = [...stdout.matchAll(/added \S+ sensor=(\d+)/g)].map(([, n]) => n);
      expect(new Set(sensors).size).toBe(sensors.length);
    }
    other.close();
    await expectNothingLeft(bench);
  });
});
