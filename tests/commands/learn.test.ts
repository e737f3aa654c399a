import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requirements } from '../../grader/01-order-processing/requirements.ts';
import { changed, FORGETFUL, readBase } from '../support/base.ts';
import { copyOfTheWorkbook } from '../support/copy.ts';
import { expectNothingLeft } from '../support/expectations.ts';
import { Terminal } from '../support/terminal.ts';
import { Bench, ROOT } from '../support/workbook.ts';

const LONG = { timeout: 90_000 };
const WAIT = { timeout: 15_000 };
const FILE = 'exercises/01-order-processing/orders.ts';
const SOLUTION = readFileSync(join(ROOT, 'solutions/01-order-processing/orders.ts'), 'utf8');
const CORRECT = readBase('orders');
const STARTER = readFileSync(join(ROOT, FILE), 'utf8');

function begin(bench: Bench) {
  const cwd = copyOfTheWorkbook(bench, 'a copy to learn in');
  const file = join(cwd, FILE);
  return {
    cwd,
    save: (text: string) => writeFileSync(file, text),
    read: () => readFileSync(file, 'utf8'),
  };
}

/** Whether this line of the solution is not yet on the first page of 24 rows. */
function isFurtherDown(line: string): boolean {
  const lines = SOLUTION.split('\n');
  return !lines.slice(0, 24).includes(line) && lines.slice(24).includes(line);
}

/** As if all but these requirements of orders had passed in an earlier grading. */
function allPassedBut(bench: Bench, ...open: string[]): void {
  const passed = Object.fromEntries(requirements.map(({ id }) => [id, !open.includes(id)]));
  mkdirSync(bench.state, { recursive: true });
  writeFileSync(
    join(bench.state, 'progress.json'),
    JSON.stringify({
      version: 1,
      chapters: [],
      exercises: { orders: { passed, solved: false, hints: {} } },
    }),
  );
}

describe('npm run learn', () => {
  it('grades on save, shows a pass, and waits for a key', LONG, async () => {
    const bench = new Bench();
    const { cwd, save } = begin(bench);
    const terminal = new Terminal(bench, { cwd }, 'learn');
    await terminal.shows(/start here[\s\S]*1\. Publish an order[\s\S]*Graded at/);
    expect(terminal.text).toContain('Distributed order processing, 1 of 15');
    expect(terminal.text).toContain('save the file: it is graded at once');
    expect(terminal.text).not.toContain('keeps the newest');

    save(
      changed(CORRECT, ['const { productId, userId, quantity,', 'const { productId, quantity,']),
    );
    await terminal.shows(/expected[\s\S]*happened[\s\S]*h: a hint/);
    expect(terminal.text).not.toContain('npm run');
    save(CORRECT);
    await terminal.shows('✓ passed: 6 points');
    expect(terminal.text).toContain('1 of 15');
    expect(terminal.text).toContain('6 of 100');

    terminal.press('n');
    await terminal.shows(/2 of 15[\s\S]*✓ passed: 6 points/);
    terminal.press('q');

    expect(await terminal.ended, terminal.history).toBe(0);
    expect(terminal.isRestored).toBe(true);
    expect(terminal.brokenLines).toEqual([]);
    await expectNothingLeft(bench, 'a copy to learn in');
  });

  it('has a key for everything else', LONG, async () => {
    const bench = new Bench();
    const { cwd, save, read } = begin(bench);
    save(`${STARTER}// mine\n`);
    const terminal = new Terminal(bench, { cwd }, 'learn', 'orders');
    await terminal.shows(/1 of 15[\s\S]*Graded at/);

    terminal.press('h');
    await terminal.shows('Hint 1 of 3');
    terminal.press('h');
    await terminal.shows(/Hint 1 of 3[\s\S]*Hint 2 of 3[\s\S]*The next hint: h\n/);
    terminal.press('t');
    await terminal.shows('Publish an order: publishOrder');
    terminal.press('l');
    await terminal.shows(/> · +1 [\s\S]*\(2 of 3[\s\S]*· 14 {2}Stretch/);
    terminal.press('escape');
    await terminal.shows('start here');

    terminal.press('n');
    await terminal.shows(/2 of 15[\s\S]*Graded at/);
    terminal.press('p');
    await terminal.shows(/1 of 15[\s\S]*Graded at/);
    terminal.press('r');
    await terminal.shows('Grading ...');
    await terminal.shows('Graded at');

    terminal.press('s');
    await terminal.shows('You have not solved it yet');
    terminal.press('n');
    await terminal.shows(/2 of 15[\s\S]*Graded at/);
    terminal.press('s');
    await terminal.shows('You have not solved it yet');
    terminal.press('y');
    await terminal.shows('solutions/01-order-processing/orders.ts');
    expect(terminal.text).toMatch(/Task 1\. [\s\S]*export async function publishOrder/);
    terminal.press('space');
    await terminal.until(
      () => terminal.lines.some((line) => isFurtherDown(line)),
      'shows no more of the solution',
    );
    terminal.press('d');
    await terminal.shows('You have not solved it yet');
    terminal.press('y');
    await terminal.shows(/\n-[^\n]*TODO: XADD[\s\S]*\n\+/);
    expect(terminal.text).toContain('From your file (-) to the solution (+).');
    terminal.press('home');
    await terminal.shows('+++ solutions/01-order-processing/orders.ts');

    terminal.press('x');
    await terminal.shows('Begin again?');
    terminal.press('escape');
    expect(read()).toContain('// mine');
    terminal.press('x');
    await terminal.shows('Begin again?');
    terminal.press('y');
    await expect.poll(read, WAIT).toBe(STARTER);
    await terminal.shows(/Your file is kept as[\s\S]*Graded at/);
    const { stdout } = await bench.runWith({ cwd }, 'restore', 'orders');
    expect(stdout).toContain(' 1  ');

    terminal.press('ctrl+c');
    expect(await terminal.ended, terminal.history).toBe(0);
    expect(terminal.isRestored).toBe(true);
    // Over a whole session, the screen is cleared as a whole once: it is drawn over, and does not flicker.
    expect(terminal.written.split('\u001b[2J')).toHaveLength(2);
  });

  it('grades everything once more at the end, and celebrates', LONG, async () => {
    const bench = new Bench();
    const { cwd, save } = begin(bench);
    allPassedBut(bench, 'pending');
    save(SOLUTION);
    const terminal = new Terminal(bench, { cwd, columns: 120, rows: 40 }, 'learn', 'orders');
    await terminal.shows(/Exercise 1 is solved: 100 of 100 points/);
    expect(terminal.text).toMatch(/Compare with the solution: +d\n/);
    expect(terminal.text).toMatch(/Next: +n +\(A notification system\)/);
    expect(terminal.text).not.toContain('npm run');
    expect(terminal.written).toContain('Grading all of it once more');

    terminal.press('escape');
    await terminal.shows('✓ passed');
    terminal.press('d');
    await terminal.shows('are the same');
    terminal.press('n');
    await terminal.shows(/A notification system, 1 of 15/);
    terminal.press('q');

    expect(await terminal.ended, terminal.history).toBe(0);
  });

  it(
    'goes back to what a later change has broken, and has no colours with NO_COLOR',
    LONG,
    async () => {
      const bench = new Bench();
      const { cwd, save } = begin(bench);
      allPassedBut(bench, 'pending');
      save(FORGETFUL);
      const terminal = new Terminal(bench, { cwd, env: { NO_COLOR: '1' } }, 'learn', 'orders');

      await terminal.shows(/2 of 15[\s\S]*The stream keeps the newest[\s\S]*happened/);
      terminal.press('q');
      expect(await terminal.ended, terminal.history).toBe(0);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences
      expect(terminal.written).not.toMatch(/\u001b\[(1|2|3\d|9\d)m/);
    },
  );

  it.each([
    ['without a terminal', {}],
    ['with CI set', { CI: '1' }],
  ])('%s, says in plain lines how far one is and what to do, and ends', LONG, async (_, env) => {
    const bench = new Bench();
    const { cwd, save } = begin(bench);

    const notStarted = await bench.runWith({ cwd, env }, 'learn');
    save(FORGETFUL);
    const failed = await bench.runWith({ cwd, env }, 'learn', 'orders', '--poll');

    expect(notStarted.stdout).toMatch(/^1\. [\s\S]*start here[\s\S]*1\. Publish an order/);
    expect(failed.stdout).toMatch(/✓ passed: 6 points\n\n2\. The stream keeps[\s\S]*happened/);
    expect(failed.stdout).not.toContain('goes on to the next');
    for (const { code, stdout, stderr } of [notStarted, failed]) {
      expect(stdout).toMatch(/\nWithout a terminal, [^\n]*type again: npm run learn orders\n$/);
      expect(stdout).not.toContain('\u001b');
      expect(stderr).toBe('');
      expect(code).toBe(1);
    }
    await expectNothingLeft(bench, 'a copy to learn in');
  });

  it(
    'without a terminal, grades all of it at the end, and says what comes next',
    LONG,
    async () => {
      const bench = new Bench();
      const { cwd, save } = begin(bench);
      allPassedBut(bench, 'pending');
      save(SOLUTION);

      const first = await bench.runWith({ cwd }, 'learn', 'orders');
      const again = await bench.runWith({ cwd }, 'learn', 'orders');
      save(FORGETFUL);
      const broken = await bench.runWith({ cwd }, 'learn', 'orders');

      expect(first.stdout).toContain('Exercise 1 is solved: 100 of 100 points');
      for (const { code, stdout } of [first, again]) {
        expect(stdout).toMatch(/orders is solved\. Play chapter 1, [^\n]*: npm run chapter 1\n$/);
        expect(code).toBe(0);
      }
      expect(broken.stdout).toMatch(/^2\. The stream keeps[\s\S]*happened/);
      expect(broken.code).toBe(1);
    },
  );

  it('keeps its title on a screen of 40 by 10', LONG, async () => {
    const bench = new Bench();
    const { cwd } = begin(bench);
    const terminal = new Terminal(bench, { cwd, columns: 40, rows: 10 }, 'learn', 'orders');

    await terminal.shows(/^Distributed order processing, 1 of 15\n[\s\S]*q:quit/);
    terminal.press('t');
    await terminal.shows('Publish an order: publishOrder');
    terminal.press('space');
    await terminal.until(() => !terminal.text.includes('Publish an order:'), 'does not scroll');

    expect(terminal.lines[0]).toBe('Distributed order processing, 1 of 15');
    expect(terminal.brokenLines).toEqual([]);
    terminal.press('ctrl+c');
    expect(await terminal.ended).toBe(0);
  });
});
