import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { findExercises } from '../../grader/exercises.ts';
import { command } from '../../workbook/commands/grade.ts';
import { changed, FORGETFUL, readBase } from '../support/base.ts';
import { copyOfTheWorkbook } from '../support/copy.ts';
import { expectNothingLeft, expectRefused } from '../support/expectations.ts';
import { Bench, ROOT } from '../support/workbook.ts';

const LONG = { timeout: 120_000 };
const CORRECT = readBase('orders');

/** A wrong file of the learner's, in the bench's folder. */
function submission(bench: Bench, code: string): string {
  const file = join(bench.folder, 'orders.ts');
  writeFileSync(file, code);
  return file;
}

describe('npm run grade', () => {
  it('gives the solutions 300 of 300 points, and leaves nothing behind', LONG, async () => {
    const bench = new Bench();

    const { code, stdout, stderr } = await bench.run('grade', '--solutions');

    expect(stdout).toContain('Total  300 of 300 points');
    expect(stdout.match(/ 100 of 100 points/g)).toHaveLength(3);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    await expectNothingLeft(bench);
  });

  it('gives the starters none, and calls every requirement not started', LONG, async () => {
    const bench = new Bench();

    const { code, stdout, stderr } = await bench.run('grade');

    expect(stdout).toContain('Total  0 of 300 points');
    expect(stdout.replaceAll(/\s+/g, ' ').match(/\(not started\)/g)).toHaveLength(45);
    expect(stdout).toContain('start here  task 1 of exercises/01-order-processing/README.md');
    expect(stderr).toBe('');
    expect(code).toBe(1);
  });

  it.each([
    ['1', ['orders']],
    ['notif', ['notifications']],
    ['cart.ts', ['cart']],
    ['3, order', ['orders', 'cart']],
    [undefined, ['orders', 'notifications', 'cart']],
  ])('%s means %j, by number or by a part of the name', (wanted, meant) => {
    expect(findExercises(wanted).map(({ name }) => name)).toEqual(meant);
  });

  it(
    'shows the first failure in full: expected, happened, commands, state, output, next step',
    LONG,
    async () => {
      const bench = new Bench();
      const file = submission(
        bench,
        changed(
          CORRECT,
          ['KEPT_ORDERS = 10_000', 'KEPT_ORDERS = 1000'],
          [
            'const fields = { productId, userId, quantity, timestamp };',
            "console.log('adding', productId);\n  const fields = { productId, userId, quantity };",
          ],
        ),
      );

      const { code, stdout } = await bench.run('grade', 'orders', '--file', file);

      expect(code).toBe(1);
      const [, detail = ''] = stdout.split(
        '1. An order becomes one entry of orders:new, and its id is returned\n',
      );
      expect(detail).toMatch(/expected {4}the fields productId=Tea-\d+, userId=/);
      expect(detail).toMatch(
        /happened {4}the entry has productId=Tea-\d+, userId=user-\d+, quantity=\d+\n/,
      );
      expect(detail).toMatch(/shop {7}XADD orders:new MAXLEN ~ 1000 \* productId Tea-\d+/);
      expect(detail).toMatch(/stream orders:new: 40 entries/);
      expect(detail).toContain('shop | adding Tea-1');
      expect(detail).toContain('npm run hint orders 1');
      expect(detail).toContain('chapter 2, "The command, part by part"');
      expect(detail, 'the others in one line').toMatch(/^2\. 10400 were there, .*$/m);
      expect(detail).toContain('npm run grade orders -- --all');
      for (const line of detail.split('\n').filter((text) => !/^ {4}/.test(text))) {
        expect(line.length, line).toBeLessThanOrEqual(80);
      }
    },
  );

  it(
    "shows the line of an error in the learner's file, and what TypeScript says",
    LONG,
    async () => {
      const bench = new Bench();
      const code = changed(CORRECT, [
        '  const { productId, userId, quantity, timestamp } = order;',
        "  const { productId, userId, quantity, timestamp } = order;\n  const none: { price: number } = (order as any).discount;\n  console.log(none.price.toFixed(2));\n  const text: number = 'three';\n  redis.nothing();",
      ]);
      const file = submission(bench, `${code}export const here = await import.meta.url;\n`);

      const { stdout } = await bench.run('grade', 'orders', '1', '--file', file);

      const line =
        readFileSync(file, 'utf8')
          .split('\n')
          .findIndex((text) => text.includes('none.price')) + 1;
      expect(stdout).toContain('(crashed)');
      expect(stdout).toContain("Cannot read properties of undefined (reading 'price')");
      expect(stdout).toMatch(new RegExp(`at {10}.*orders\\.ts:${line}:\\d+`));
      expect(stdout).toContain(`orders.ts:${line + 1}:9`);
      expect(stdout).toContain("Type 'string' is not assignable to type 'number'");
      // Far from the workbook's packages, they are known all the same.
      expect(stdout).toContain(
        `orders.ts:${line + 2}:9  Property 'nothing' does not exist on type`,
      );
      expect(stdout.match(/^ {2}orders\.ts:/gm)).toHaveLength(2);
    },
  );

  it(
    'opens all failures with --all, writes --json and --junit, and takes its data from --seed',
    LONG,
    async () => {
      const bench = new Bench();
      const json = join(bench.folder, 'results.json');
      const xml = join(bench.folder, 'results.xml');
      const file = submission(bench, changed(FORGETFUL, ["GROUP, '0'", "GROUP, '$'"]));

      const args = ['orders', '--file', file, '--all', '--seed', '42'];
      const { code, stdout } = await bench.run('grade', ...args, '--json', json, '--junit', xml);

      expect(code).toBe(1);
      expect(stdout.match(/^ {2}expected/gm)).toHaveLength(3);
      const report = JSON.parse(readFileSync(json, 'utf8'));
      expect(report).toMatchObject({ version: 1, seed: 42, points: 83, of: 100 });
      expect(report.exercises[0]).toMatchObject({ name: 'orders', number: 1, points: 83 });
      const statuses = report.exercises[0].requirements.map(
        (one: { status: string }) => one.status,
      );
      expect(statuses.filter((status: string) => status !== 'passed')).toEqual([
        'failed',
        'failed',
        'failed',
      ]);
      const junit = readFileSync(xml, 'utf8');
      expect(junit).toContain('tests="15" failures="3" errors="0"');
      expect(junit).toMatch(/<failure message="failed: 10400 were there/);
      expect(junit.match(/<property name="max-points"/g)).toHaveLength(15);
    },
  );

  it('writes what never came to a verdict as an error in JUnit', LONG, async () => {
    const bench = new Bench();
    const xml = join(bench.folder, 'results.xml');
    const file = submission(bench, 'export const \u0000;');

    await bench.run('grade', 'orders', '--file', file, '--junit', xml);

    const junit = readFileSync(xml, 'utf8');
    expect(junit).toContain('tests="15" failures="0" errors="15"');
    expect(junit).not.toContain('\u0000');
  });
});

describe('bad input', () => {
  it.each([
    [['4'], "There is no exercise '4'; there are 1 (orders), 2 (notifications), 3 (cart)."],
    [['0'], "There is no exercise '0'"],
    [['ing'], "'ing' could be exercise"],
    [['orders', '16'], "Exercise orders has no requirement '16'; it has 1 to 15."],
    [['orders', 'ack'], "Exercise orders has no requirement 'ack'"],
    [['orders', '3', '4'], "What is '4'?"],
    [['--seed', 'x'], 'The seed is a whole number'],
    [['--file', 'x.ts'], '--file needs the name of one exercise'],
    [['--solution'], "Unknown option '--solution'"],
    [['orders', '--file', '/nowhere/orders.ts'], 'There is no file /nowhere/orders.ts'],
  ])('%j is refused', async (typed, message) => {
    await expectRefused(command, typed, message);
  });

  it.each([
    ['/nowhere/x.json', 'There is no such folder: cannot write /nowhere/x.json'],
    [ROOT, `${ROOT} is a folder. Name a file in it.`],
    [join(ROOT, 'README.md', 'x.json'), 'A part of the path is no folder: cannot write'],
  ])(
    'such as a file that cannot be written is told before the grading: %s',
    async (file, message) => {
      await expectRefused(command, ['order', '3', '--solutions', '--junit', file], message);
    },
  );

  it('says where the dashes go when npm has swallowed --json', async () => {
    vi.stubEnv('npm_config_json', 'true');

    await expectRefused(command, [], 'npm run grade -- --json');
  });
});

describe('a missing file', () => {
  it('costs its own exercise, and no other', LONG, async () => {
    const bench = new Bench();
    const copy = copyOfTheWorkbook(bench, 'a copy without orders');
    rmSync(join(copy, 'exercises/01-order-processing/orders.ts'));
    writeFileSync(join(copy, 'exercises/03-shopping-cart/cart.ts'), readBase('cart'));

    const { code, stdout } = await bench.runWith({ cwd: copy }, 'grade', 'orders,cart');

    expect(stdout).toMatch(/There is no file .*orders\.ts/);
    expect(stdout).toContain('git restore exercises/01-order-processing/orders.ts');
    expect(stdout).toContain('Exercise 3 is solved: 100 of 100 points.');
    expect(stdout).toContain('npm run diff cart');
    expect(stdout).toContain('0 of 100 points');
    expect(stdout).toContain('100 of 100 points');
    expect(code).toBe(1);
  });
});
