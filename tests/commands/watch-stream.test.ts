import { describe, expect, it } from 'vitest';
import { expectRefusal } from '../support/expectations.ts';
import { testServer } from '../support/redis.ts';
import { Terminal } from '../support/terminal.ts';
import { Bench } from '../support/workbook.ts';

const KEY = 'parcels';

/** A server with a stream, a group, and something pending; in a Bench in which commands use it. */
async function post() {
  const { server, redis } = await testServer();
  await redis.xadd(KEY, '1-0', 'to', 'Lisbon', 'naïve', '世界 🫖');
  await redis.xgroup('CREATE', KEY, 'couriers', '0');
  await redis.xreadgroup('GROUP', 'couriers', 'anna', 'COUNT', 1, 'STREAMS', KEY, '>');
  await redis.xadd(KEY, '2-0', 'to', 'Oslo');
  return { redis, env: { REDIS_URL: server.url }, bench: new Bench() };
}

describe('npm run watch-stream', () => {
  it.each([
    [80, 24],
    [120, 40],
  ])('shows a stream as it changes, at %ix%i', async (columns, rows) => {
    const { redis, env, bench } = await post();
    const terminal = new Terminal(bench, { env, columns, rows }, 'watch-stream', KEY);

    await terminal.shows(/parcels\n2 entries/);
    expect(terminal.text).toMatch(/1-0 {2}to=Lisbon naïve=世界/);
    expect(terminal.text).toMatch(/couriers +lag 1 +pending 1/);
    expect(terminal.text).toMatch(/anna +pending +1 +idle \d/);

    await redis.xadd(KEY, '3-0', 'to', 'x'.repeat(300), 'evil', '\u001b[2Jgone\r\n');
    await terminal.shows(/3 entries {3}\d+\.\d a second {3}last id 3-0/);
    await redis.xack(KEY, 'couriers', '1-0');
    await terminal.shows(/anna +pending +0/);
    terminal.press('l');
    await terminal.shows(/Streams[\s\S]*1 {2}parcels +3 entries +1 group/);
    terminal.press('1');
    await terminal.shows('Newest entries');
    terminal.resize(60, 20);
    await terminal.shows('q: quit');
    terminal.press('q');

    expect(await terminal.ended).toBe(0);
    expect(terminal.isRestored).toBe(true);
    expect(terminal.brokenLines).toEqual([]);
    expect(terminal.written.split('\u001b[2J')).toHaveLength(2);
  });

  it('waits for a stream that is not there yet, and ends with Ctrl+C', async () => {
    const { redis, env, bench } = await post();
    const terminal = new Terminal(bench, { env }, 'watch-stream', 'later');

    await terminal.shows('There is no stream later yet.');
    await redis.xadd('later', '*', 'a', 'b');
    await terminal.shows('1 entry');
    terminal.press('ctrl+c');

    expect(await terminal.ended).toBe(0);
    expect(terminal.isRestored).toBe(true);
  });

  it('looks once where there is no terminal, and says how to go on', async () => {
    const { env, bench } = await post();

    const { code, stdout, stderr } = await bench.runWith({ env }, 'watch-stream', KEY);

    expect(stdout).toMatch(/^\d\d:\d\d:\d\d parcels: 2 entries, [^\n]*\n$/);
    expect(stderr).toBe('That was one look. To go on: npm run watch-stream -- --follow\n');
    expect(code).toBe(0);
  });

  it('prints a line for each change with --follow', async () => {
    const { redis, env, bench } = await post();
    const running = bench.startWith({ env }, 'watch-stream', KEY, '--follow');

    await running.says(/parcels: 2 entries, last id 2-0; couriers: lag 1, pending 1 \(anna 1\)\n/);
    await redis.xadd(KEY, '3-0', 'to', 'Porto');
    await running.says(
      /parcels: 3 entries, .* last id 3-0; couriers: lag 2, pending 1 \(anna 1\)\n/,
    );
    running.ctrlC();
    const { code, stdout, stderr } = await running.ended;

    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('looks once with --once', async () => {
    const { env, bench } = await post();

    const all = await bench.runWith({ env }, 'watch-stream', '--once');
    const missing = await bench.runWith({ env }, 'watch-stream', 'later', '--once');

    expect(all.stdout).toMatch(/^\d\d:\d\d:\d\d parcels: 2 entries/);
    expect(all.code).toBe(0);
    expectRefusal(missing, /^There is no stream later\.\n$/);
    const mistyped = await bench.runWith({ env }, 'watch-stream', 'parcel', '--once');
    expectRefusal(mistyped, /^There is no stream parcel\. Did you mean parcels\?\n$/);
  });

  it('says what to do when there is no Redis, and when the key is no stream', async () => {
    const { redis, env, bench } = await post();
    await redis.set('name', 'anna');

    const none = await bench.run('watch-stream');
    const wrong = await bench.runWith({ env }, 'watch-stream', 'name');

    expectRefusal(none, 'npm run redis');
    expectRefusal(wrong, /^name is no stream\. All streams: npm run watch-stream\n$/);
  });
});
