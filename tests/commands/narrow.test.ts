import { describe, expect, it } from 'vitest';
import { Terminal } from '../support/terminal.ts';
import { Bench } from '../support/workbook.ts';

const LONG = { timeout: 90_000 };

// What a terminal has to break itself, it breaks in the middle of a word.

describe.each([40, 64, 80])('in a terminal of %i columns', (columns) => {
  it.each([
    [0, ['progress']],
    [0, ['hint', 'orders', '13']],
    [0, ['doctor']],
    [0, ['chapter']],
    [0, ['chapter', '1']],
    [1, ['diff', 'orders']],
    [1, ['learn', 'ordrs']],
    [1, ['grade', 'orders', '--wach']],
    [1, ['grade', 'orders', '13']],
  ] as const)('exit code %i: no line of %j is broken', LONG, async (code, typed) => {
    const terminal = new Terminal(new Bench(), { columns, rows: 200 }, ...typed);

    expect(await terminal.ended, terminal.history).toBe(code);
    expect(terminal.brokenLines).toEqual([]);
    expect(terminal.history).not.toMatch(/^\s*[.,;:!?)]{1,3}\s*$/m);
  });
});
