import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { command } from '../../workbook/commands/reset.ts';
import { readBase } from '../support/base.ts';
import { copyOfTheWorkbook } from '../support/copy.ts';
import { expectRefusal, expectRefused } from '../support/expectations.ts';
import { Terminal } from '../support/terminal.ts';
import { Bench, ROOT } from '../support/workbook.ts';

const LONG = { timeout: 60_000 };
const FILE = 'exercises/01-order-processing/orders.ts';
const starter = readFileSync(join(ROOT, FILE), 'utf8');
const solution = readFileSync(join(ROOT, 'solutions/01-order-processing/orders.ts'), 'utf8');
const [solutionBegins = ''] = solution.split('\n');
const own = '// Mine: naïve, 世界, 🫖.\nexport const answer = 42;\n';

/** A copy of the workbook in which somebody has written something. */
function begun(bench: Bench, text = own) {
  const cwd = copyOfTheWorkbook(bench, 'a cópy');
  const file = join(cwd, FILE);
  writeFileSync(file, text);
  const backups = join(bench.state, 'backups', 'orders');
  return {
    file,
    run: (...args: string[]) => bench.runWith({ cwd }, ...args),
    /** Runs a command on which the disk is full, or which is killed, from its `count`th change of a file on. */
    breakAt: (count: number, by: 'ENOSPC' | 'SIGKILL', ...args: string[]) => {
      const preload = join(ROOT, 'tests/support/break-at.cjs');
      return bench.spawn(process.execPath, ['--require', preload, 'workbook/launch.cjs', ...args], {
        cwd,
        env: { BREAK_AT: String(count), BREAK_BY: by },
      }).ended;
    },
    read: () => readFileSync(file, 'utf8'),
    copies: () => readdirSync(backups).map((name) => readFileSync(join(backups, name), 'utf8')),
    backups,
    cwd,
  };
}

describe('npm run reset', () => {
  it('copies the file, says where, and brings the starter back', async () => {
    const bench = new Bench();
    const learner = begun(bench);

    const { code, stdout } = await learner.run('reset', 'orders');

    const [, path = ''] = /Your file is kept as +(.+)/.exec(stdout) ?? [];
    expect(readFileSync(path, 'utf8')).toBe(own);
    expect(learner.read()).toBe(starter);
    expect(stdout).toContain('npm run restore orders');
    expect(code).toBe(0);
    const again = await learner.run('reset', 'orders');
    expect(again.stdout).toContain('Nothing was changed.');
    expect(learner.copies()).toEqual([own]);
  });

  it('brings a missing file back', async () => {
    const bench = new Bench();
    const learner = begun(bench);
    rmSync(learner.file);

    const { code, stdout } = await learner.run('reset', 'orders');

    expect(stdout).toContain('was missing');
    expect(learner.read()).toBe(starter);
    expect(code).toBe(0);
  });

  it('forgets what was graded, and no hints', async () => {
    const bench = new Bench();
    const learner = begun(bench, readBase('orders'));
    const orders = { passed: { publish: true }, solved: false, hints: { publish: 1 } };
    mkdirSync(bench.state);
    const progress = join(bench.state, 'progress.json');
    writeFileSync(progress, JSON.stringify({ version: 1, chapters: [], exercises: { orders } }));

    await learner.run('reset', 'orders');

    expect(JSON.parse(readFileSync(progress, 'utf8')).exercises).toEqual({
      orders: { passed: {}, solved: false, hints: { publish: 1 } },
    });
  });

  it('changes nothing when the copy cannot be made', async () => {
    const bench = new Bench();
    const learner = begun(bench);
    mkdirSync(bench.state);
    writeFileSync(join(bench.state, 'backups'), 'a file where the folder should be');

    const outcome = await learner.run('reset', 'orders');

    expectRefusal(outcome, /cannot copy exercises\/01-order-processing\/orders\.ts to /);
    expect(learner.read()).toBe(own);
  });

  it('loses nothing when the disk gets full, at whatever file', LONG, async () => {
    const bench = new Bench();
    const learner = begun(bench);

    let full = 0;
    for (; ; full++) {
      const outcome = await learner.breakAt(full, 'ENOSPC', 'reset', 'orders');
      if (outcome.code === 0) break;
      expectRefusal(outcome, /^The disk is full: cannot (copy|write) /);
      expect(learner.read()).toBe(own);
      expect(readdirSync(join(learner.file, '..')).sort()).toEqual(['README.md', 'orders.ts']);
    }
    expect(full).toBeGreaterThan(2);
    expect(learner.read()).toBe(starter);
    expect(learner.copies()).toContain(own);
  });

  it('changes nothing when the system ends it at its first write', async () => {
    const bench = new Bench();
    const learner = begun(bench);
    // tsx fills its cache, so that the reset itself has nothing else to write.
    await learner.run('restore', 'orders');

    const command = `ulimit -f 0; exec "${process.execPath}" workbook/launch.cjs reset orders`;
    const { signal } = await bench.spawn('bash', ['-c', command], { cwd: learner.cwd }).ended;

    expect(signal).toBe('SIGXFSZ');
    expect(learner.read()).toBe(own);
  });

  it('loses nothing when it is killed, before whatever change', LONG, async () => {
    const bench = new Bench();
    const learner = begun(bench);

    let kills = 0;
    for (; ; kills++) {
      const { signal } = await learner.breakAt(kills, 'SIGKILL', 'reset', 'orders');
      if (!signal) break;
      const now = learner.read();
      if (now !== own) {
        expect(now).toBe(starter);
        expect(learner.copies()).toContain(own);
        writeFileSync(learner.file, own);
      }
    }
    expect(kills).toBeGreaterThan(4);
    const { stdout } = await learner.run('restore', 'orders');
    expect(stdout).not.toMatch(/ 0 lines/);
  });

  it('keeps a copy of everything when two run at once', async () => {
    const bench = new Bench();
    const learner = begun(bench);

    const outcomes = await Promise.all([
      learner.run('reset', 'orders'),
      learner.run('reset', 'orders'),
    ]);

    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    expect(learner.read()).toBe(starter);
    expect(learner.copies()).toContain(own);
  });

  it.each([
    [[], 'One exercise, please'],
    [['orders', 'cart'], 'One exercise, please'],
    [['4'], "There is no exercise '4'"],
  ])('%j is refused', async (typed, message) => {
    await expectRefused(command, typed, message);
  });
});

describe('npm run restore', () => {
  it('lists the copies and brings one back, after a copy of what is there', async () => {
    const bench = new Bench();
    const learner = begun(bench);
    await learner.run('reset', 'orders');
    writeFileSync(learner.file, '// second try\n');

    const list = await learner.run('restore', 'orders');
    const { code, stdout } = await learner.run('restore', 'orders', '1');

    expect(list.stdout).toMatch(/ 1 {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +2 lines/);
    expect(list.stdout).toContain('npm run restore orders 1');
    expect(learner.read()).toBe(own);
    expect(learner.copies().sort()).toEqual([own, '// second try\n'].sort());
    expect(stdout).toContain('What was there is kept as');
    expect(code).toBe(0);
  });

  it('says what there is when there is no such copy', async () => {
    const bench = new Bench();
    const learner = begun(bench);
    const none = await learner.run('restore', 'orders');
    await learner.run('reset', 'orders');

    const wrong = await learner.run('restore', 'orders', '7');

    expectRefusal(none, 'There is no copy of orders.ts yet.');
    expectRefusal(wrong, "There is no copy '7'; there are 1 to 1.");
  });
});

describe('npm run diff', () => {
  it('waits until the exercise is solved, or --show', async () => {
    const bench = new Bench();
    const learner = begun(bench);

    const early = await learner.run('diff', 'orders');
    const { code, stdout } = await learner.run('diff', 'orders', '--show');

    expectRefusal(early, 'The solution shows when you have solved orders: 0 of 15');
    expect(early.stderr).toContain('npm run diff orders -- --show');
    expect(stdout).toContain('-// Mine: naïve, 世界, 🫖.');
    expect(stdout).toContain(`+${solutionBegins}`);
    expect(code).toBe(0);
  });

  it('turns pages in a terminal, from where the first open requirement is met', async () => {
    const bench = new Bench();
    const { cwd } = begun(bench);

    const terminal = new Terminal(bench, { cwd }, 'diff', 'orders', '--show');
    await terminal.shows(
      /^From your file[\s\S]*\+ \* Task 1\.[\s\S]*\+export async function publish/,
    );
    expect(terminal.text).toMatch(/more lines below[\s\S]*\/: search/);
    expect(terminal.written, 'in colour').toContain('\u001b[32m+/**');
    terminal.press('home');
    await terminal.shows(/^From your file[\s\S]*-\/\/ Mine: naïve, 世界[\s\S]*more lines below/);
    terminal.press('space');
    await terminal.shows(/^\+export type OrderHandler/m);
    terminal.press('q');

    expect(await terminal.ended).toBe(0);
    expect(terminal.isRestored).toBe(true);
    expect(terminal.brokenLines).toEqual([]);
  });

  it.each([
    ['9', 'pendingByWorker'],
    ['13', 'runWorker'],
  ])('begins at requirement %s when it is named, at %s', async (number, name) => {
    const bench = new Bench();
    const { cwd } = begun(bench);

    const terminal = new Terminal(bench, { cwd }, 'diff', 'orders', number, '--show');

    const functions = () =>
      terminal.lines.flatMap((line) => /^\+export async function (\w+)/.exec(line)?.[1] ?? []);
    await terminal.until(() => functions()[0] === name, `does not begin at ${name}`);
    terminal.press('q');
    expect(await terminal.ended).toBe(0);
  });

  it('says when there is no difference, and when there is no file', async () => {
    const bench = new Bench();
    const learner = begun(bench, solution);

    const same = await learner.run('diff', 'orders', '--show');
    rmSync(learner.file);
    const missing = await learner.run('diff', 'orders', '--show');

    expect(same.stdout).toContain('are the same');
    expectRefusal(missing, 'npm run reset orders');
  });
});
