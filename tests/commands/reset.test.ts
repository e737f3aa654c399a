import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBase } from '../support/base.ts';
import { copyOfTheWorkbook } from '../support/copy.ts';
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

  it('forgets what was graded', LONG, async () => {
    const bench = new Bench();
    const learner = begun(bench, readBase('orders'));
    await learner.run('grade', 'orders', '1');
    const before = await learner.run('progress', '--json');

    await learner.run('reset', 'orders');

    expect(JSON.parse(before.stdout).exercises[0].passed).toEqual(['publish']);
    const after = await learner.run('progress', '--json');
    expect(JSON.parse(after.stdout).exercises[0].passed).toEqual([]);
  });

  it('changes nothing when the copy cannot be made', async () => {
    const bench = new Bench();
    const learner = begun(bench);
    mkdirSync(bench.state);
    writeFileSync(join(bench.state, 'backups'), 'a file where the folder should be');

    const { code, stderr } = await learner.run('reset', 'orders');

    expect(stderr).toMatch(/cannot copy exercises\/01-order-processing\/orders\.ts to /);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(code).toBe(1);
    expect(learner.read()).toBe(own);
  });

  it('loses nothing when the disk gets full, at whatever file', LONG, async () => {
    const bench = new Bench();
    const learner = begun(bench);

    let full = 0;
    for (; ; full++) {
      const { code, stderr } = await learner.breakAt(full, 'ENOSPC', 'reset', 'orders');
      if (code === 0) break;
      expect(stderr).toMatch(/^The disk is full: cannot (copy|write) /);
      expect(stderr).not.toMatch(/^ +at /m);
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
  ])('%j gets a message and exit code 1', async (args, message) => {
    const bench = new Bench();

    const { code, stderr } = await bench.run('reset', ...args);

    expect(stderr).toContain(message);
    expect(code).toBe(1);
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

    const { code, stderr } = await learner.run('restore', 'orders', '7');

    expect(none.stderr).toContain('There is no copy of orders.ts yet.');
    expect(none.code).toBe(1);
    expect(stderr).toContain("There is no copy '7'; there are 1 to 1.");
    expect(code).toBe(1);
  });
});

describe('npm run diff', () => {
  it('waits until the exercise is solved, or --show', async () => {
    const bench = new Bench();
    const learner = begun(bench);

    const early = await learner.run('diff', 'orders');
    const { code, stdout } = await learner.run('diff', 'orders', '--show');

    expect(early.stderr).toContain('The solution shows when you have solved orders: 0 of 14');
    expect(early.stderr).toContain('npm run diff orders -- --show');
    expect(early.code).toBe(1);
    expect(stdout).toContain('-// Mine: naïve, 世界, 🫖.');
    expect(stdout).toContain(`+${solutionBegins}`);
    expect(code).toBe(0);
  });

  it('turns pages in a terminal', async () => {
    const bench = new Bench();
    const { cwd } = begun(bench);

    const terminal = new Terminal(bench, { cwd }, 'diff', 'orders', '--show');
    await terminal.shows(/^From your file[\s\S]*-\/\/ Mine: naïve, 世界[\s\S]*more lines below/);
    terminal.press('space');
    await terminal.shows(/^\+export type OrderHandler/m);
    terminal.press('q');

    expect(await terminal.ended).toBe(0);
    expect(terminal.isRestored).toBe(true);
    expect(terminal.brokenLines).toEqual([]);
  });

  it('says when there is no difference, and when there is no file', async () => {
    const bench = new Bench();
    const learner = begun(bench, solution);

    const same = await learner.run('diff', 'orders', '--show');
    rmSync(learner.file);
    const missing = await learner.run('diff', 'orders', '--show');

    expect(same.stdout).toContain('are the same');
    expect(missing.stderr).toContain('npm run reset orders');
    expect(missing.code).toBe(1);
  });
});
