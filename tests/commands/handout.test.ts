import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { command } from '../../workbook/commands/handout.ts';
import { expectRefused } from '../support/expectations.ts';
import { Bench, ROOT } from '../support/workbook.ts';

const LONG = { timeout: 90_000 };
const ORDERS = '01-order-processing/orders.ts';

/** All files below a folder. */
const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe('npm run handout', () => {
  it('makes a workbook without solutions that still works', LONG, async () => {
    const bench = new Bench();
    const cwd = join(bench.folder, 'für die Klasse');

    const made = await bench.run('handout', cwd, '--only', '1,cart');

    expect(made.stdout).toContain('Exercises: orders, cart. No solutions, no tests.');
    expect(made.code).toBe(0);
    expect(readdirSync(join(cwd, 'exercises'))).toEqual([
      '01-order-processing',
      '03-shopping-cart',
    ]);
    for (const gone of ['solutions', 'tests', 'CONTRIBUTING.md', '.ci']) {
      expect(existsSync(join(cwd, gone))).toBe(false);
    }
    expect(readdirSync(join(cwd, 'docs'))).toEqual(['pictures']);
    const pictures = readdirSync(join(cwd, 'docs', 'pictures'));
    expect(pictures.filter((name) => !name.endsWith('.svg'))).toEqual([]);
    const starter = readFileSync(join(ROOT, 'exercises', ORDERS), 'utf8');
    const [telling = ''] = readFileSync(join(ROOT, 'solutions', ORDERS), 'utf8')
      .split('\n')
      .filter((line) => !starter.includes(line))
      .toSorted((a, b) => b.length - a.length);
    expect(telling).not.toBe('');
    const files = filesIn(cwd);
    expect(files.filter((file) => readFileSync(file, 'utf8').includes(telling))).toEqual([]);

    // Every link leads somewhere, and every command is there.
    const { scripts } = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'));
    for (const file of files.filter((name) => name.endsWith('.md'))) {
      const text = readFileSync(file, 'utf8');
      for (const [, link = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        expect(existsSync(join(dirname(file), link)), `${file}: ${link}`).toBe(true);
      }
      for (const [, script = ''] of text.matchAll(/npm run ([a-z][a-z-]*)/g)) {
        expect(scripts, file).toHaveProperty(script);
      }
      expect(text).not.toContain('not in handouts');
    }

    symlinkSync(join(ROOT, 'node_modules'), join(cwd, 'node_modules'));
    const compiler = join('node_modules', 'typescript', 'bin', 'tsc');
    const types = await bench.spawn(process.execPath, [compiler, '--noEmit'], { cwd }).ended;
    const start = await bench.runWith({ cwd }, 'start');
    const diff = await bench.runWith({ cwd }, 'diff', 'orders', '--show');
    cpSync(join(ROOT, 'solutions', ORDERS), join(cwd, 'exercises', ORDERS));
    const grade = await bench.runWith({ cwd }, 'grade', 'orders', '3');
    const reset = await bench.runWith({ cwd }, 'reset', 'orders');
    expect(types.stdout).toBe('');
    expect(types.code).toBe(0);
    expect(start.stdout).toContain('0 of 200 points');
    expect(diff.stderr).toBe('This copy of the workbook comes without solutions.\n');
    expect(grade.stdout).toContain('6 of 6 points');
    expect(reset.stdout).toContain('Your file is kept as');
  });

  it('does not write over anything', async () => {
    const bench = new Bench();
    writeFileSync(join(bench.folder, 'mine.txt'), 'mine');

    await expectRefused(command, [bench.folder], 'is not empty');
    await expectRefused(command, [], 'One folder, please');
    expect(readdirSync(bench.folder)).toEqual(['mine.txt']);
  });
});
