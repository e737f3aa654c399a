import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FORGETFUL, readBase } from '../support/base.ts';
import { expectNothingLeft } from '../support/expectations.ts';
import { Terminal } from '../support/terminal.ts';
import { Bench } from '../support/workbook.ts';

const LONG = { timeout: 120_000 };

describe('npm run grade -- --watch', () => {
  it('grades again what was saved, and ends with Ctrl+C', LONG, async () => {
    const bench = new Bench();
    const file = join(bench.folder, 'orders.ts');
    writeFileSync(file, FORGETFUL);
    const running = bench.start('grade', 'orders', '2', '--watch', '--file', file);
    await running.says(/0 of 6 points[\s\S]*Watching/);

    writeFileSync(file, readBase('orders'));
    await running.says(/ 6 of 6 points[\s\S]*Watching/);
    writeFileSync(file, 'this is no TypeScript');
    await running.says(/6 of 6 points[\s\S]*orders\.ts:1:\d+[\s\S]*Watching/);
    rmSync(file);
    await running.says(/There is no file/);
    // Saved as some editors do it: another file takes the name.
    writeFileSync(`${file}.new`, readBase('orders'));
    renameSync(`${file}.new`, file);
    await running.says(/There is no file[\s\S]*6 of 6 points/);
    running.ctrlC();
    const { code, stderr } = await running.ended;

    expect(code).toBe(0);
    expect(stderr).toBe('');
    await expectNothingLeft(bench, 'orders.ts');
  });
});

describe('npm run grade -- --watch in a terminal', () => {
  it('grades again when r is pressed, and ends with q', LONG, async () => {
    const bench = new Bench();
    const args = ['grade', 'orders', '2', '--solutions', '--watch'];
    const terminal = new Terminal(bench, { rows: 40 }, ...args);
    await terminal.shows(/6 of 6 points[\s\S]*r: again {3}q: quit/);

    terminal.press('r');
    await terminal.shows(/6 of 6 points[\s\S]*r: again[\s\S]*6 of 6 points[\s\S]*r: again/);
    terminal.press('q');

    expect(await terminal.ended).toBe(0);
    expect(terminal.isRestored).toBe(true);
    expect(terminal.brokenLines).toEqual([]);
    await expectNothingLeft(bench);
  });
});
