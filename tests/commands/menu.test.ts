import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyOfTheWorkbook } from '../support/copy.ts';
import { Terminal } from '../support/terminal.ts';
import { Bench } from '../support/workbook.ts';

const LONG = { timeout: 90_000 };
const WAIT = { timeout: 15_000 };

/** Not the first time: nobody needs the welcome. */
function notTheFirstTime(bench: Bench): void {
  mkdirSync(bench.state, { recursive: true });
  writeFileSync(
    join(bench.state, 'progress.json'),
    '{"version": 1, "chapters": [1, 2], "exercises": {}}',
  );
}

/** The line of the list that Enter would choose; nothing while the list is not drawn to its end. */
function marked({ lines }: Terminal): string {
  const isWhole = lines.findLast((line) => line !== '')?.startsWith('└');
  return (isWhole && lines.findLast((line) => line.includes('●'))) || '';
}

/** Goes down to an entry and chooses it. */
async function choose(terminal: Terminal, entry: string): Promise<void> {
  await terminal.until(() => marked(terminal) !== '', 'has no list');
  for (let steps = 0; steps < 30 && !marked(terminal).includes(entry); steps++) {
    const before = marked(terminal);
    terminal.press('down');
    const hasMoved = () => !['', before].includes(marked(terminal));
    await terminal.until(hasMoved, `does not go down from ${before}`);
  }
  expect(marked(terminal)).toContain(entry);
  terminal.press('enter');
  await terminal.until(() => !marked(terminal).includes(entry), `does not take ${entry}`);
}

/** Waits until the command that runs has ended, and goes back to the menu. */
async function back(terminal: Terminal, ran = 1): Promise<void> {
  const ended = () => terminal.written.split('Any key: back to the menu').length - 1;
  await terminal.until(() => ended() === ran, 'does not come to an end');
  terminal.press('space');
  await terminal.until(() => marked(terminal).includes('Next:'), 'does not go back');
}

describe('npm start in a terminal', () => {
  it.each([
    [80, 24],
    [120, 40],
  ])('says where one is and what comes next, at %ix%i', async (columns, rows) => {
    const bench = new Bench();
    notTheFirstTime(bench);
    const terminal = new Terminal(bench, { columns, rows }, 'start');

    await terminal.shows(/● Next: Play chapter 3, Reading \(npm run chapter 3\)/);

    expect(terminal.history).toMatch(/Chapters played +\[#####-{11}\] +2 of 6/);
    expect(terminal.text).toContain('All exercises');
    expect(terminal.brokenLines).toEqual([]);
    expect(Math.max(...terminal.history.split('\n').map((line) => line.length))).toBeLessThan(81);
    terminal.press('escape');
    expect(await terminal.ended).toBe(0);
    expect(terminal.isRestored).toBe(true);
    await expect.poll(() => bench.survivors(), WAIT).toEqual([]);
  });

  it('welcomes whoever comes for the first time, and has no colours with NO_COLOR', async () => {
    const bench = new Bench();
    const terminal = new Terminal(bench, { rows: 40, env: { NO_COLOR: '1' } }, 'start');

    await terminal.shows(/A book you can run[\s\S]*● Next: Play chapter 1/);
    terminal.press('ctrl+c');

    expect(await terminal.ended).toBe(0);
    expect(terminal.isRestored).toBe(true);
    expect(terminal.history).not.toContain('Missing');
  });

  it('has its welcome and its list on one screen of 24 lines', async () => {
    const terminal = new Terminal(new Bench(), {}, 'start');

    await terminal.shows(/↑\/↓ to navigate/);

    expect(terminal.text).toMatch(
      /^The Redis Streams workbook[\s\S]*A book you can run[\s\S]*● Next: Play chapter 1[\s\S]*○ Work on an exercise/,
    );
    terminal.press('escape');
    expect(await terminal.ended).toBe(0);
  });

  it('runs whatever is chosen, and shows what to type for it', { timeout: 180_000 }, async () => {
    const bench = new Bench();
    notTheFirstTime(bench);
    const cwd = copyOfTheWorkbook(bench, 'a copy with a menu');
    const file = join(cwd, 'exercises/01-order-processing/orders.ts');
    const terminal = new Terminal(bench, { cwd, rows: 40 }, 'start');

    await choose(terminal, 'Next: Play chapter 3');
    await terminal.shows('$ npm run chapter 3');
    await back(terminal, 1);
    expect(terminal.history).toContain('3 of 6');

    await choose(terminal, 'Read a lesson');
    await choose(terminal, '4. Consumer groups');
    await terminal.shows('In chapter 3 every reader got every entry');
    terminal.press('q');

    await choose(terminal, 'Play a chapter');
    await choose(terminal, '1. Anatomy');
    await terminal.shows('$ npm run chapter 1');
    await back(terminal, 2);

    await choose(terminal, 'Run one program');
    await choose(terminal, 'Anatomy of a stream: ids');
    await terminal.shows('$ npm run chapter 1 ids');
    await back(terminal, 3);

    await choose(terminal, 'Read the tasks');
    await choose(terminal, '1. Distributed');
    await terminal.shows('1. Distributed order processing');
    terminal.press('q');

    await choose(terminal, 'Work on an exercise');
    await choose(terminal, '2. A notification');
    await terminal.shows('A notification system, 1 of 14');
    terminal.press('q');

    await choose(terminal, 'Grade an exercise');
    await choose(terminal, '1. Distributed');
    await terminal.shows('$ npm run grade orders');
    await terminal.shows('0 of 100 points');
    await back(terminal, 4);

    await choose(terminal, 'Get a hint');
    await choose(terminal, '3. An event');
    await terminal.shows('Hint 1 of 3');
    await back(terminal, 5);

    await choose(terminal, 'Compare with the solution');
    await choose(terminal, '1. Distributed');
    await terminal.shows('npm run diff orders -- --show');
    await back(terminal, 6);

    appendFileSync(file, '// mine\n');
    await choose(terminal, 'Begin an exercise again');
    await choose(terminal, '1. Distributed');
    await terminal.shows('Your file is kept as');
    await back(terminal, 7);
    expect(readdirSync(join(bench.state, 'backups', 'orders'))).toHaveLength(1);

    await choose(terminal, 'Bring a copy back');
    await choose(terminal, '1. Distributed');
    await terminal.shows('To bring one back: npm run restore orders 1');
    await back(terminal, 8);

    await choose(terminal, 'A Redis prompt');
    await terminal.shows(/127\.0\.0\.1:\d+>/);
    terminal.press('quit', 'enter');
    await back(terminal, 9);

    await choose(terminal, 'Is anything missing');
    await terminal.shows('All is well');
    await back(terminal, 10);

    await choose(terminal, 'Grade all');
    await terminal.shows('0 of 300 points');
    await back(terminal, 11);

    await choose(terminal, 'Leave');
    expect(await terminal.ended).toBe(0);
    expect(terminal.written).not.toContain('Warning');
    expect(terminal.isRestored).toBe(true);
    await expect.poll(() => bench.survivors(), WAIT).toEqual([]);
  });

  it('takes Ctrl+C for the command that runs, and comes back', LONG, async () => {
    const bench = new Bench();
    notTheFirstTime(bench);
    const terminal = new Terminal(bench, { rows: 40 }, 'start');

    await choose(terminal, 'Next: Play chapter 3');
    await terminal.shows(/\$ npm run chapter 3\n[\s\S]*\n.*\|/);
    terminal.press('ctrl+c');
    await back(terminal);
    await choose(terminal, 'Read a lesson');
    await terminal.shows('Esc: back');
    terminal.press('escape');
    await terminal.until(() => marked(terminal).includes('Next:'), 'does not go back');
    terminal.press('ctrl+c');

    expect(await terminal.ended).toBe(0);
    expect(terminal.isRestored).toBe(true);
    await expect.poll(() => bench.survivors(), WAIT).toEqual([]);
    expect(existsSync(join(bench.state, 'shared-redis.json'))).toBe(false);
  });
});
