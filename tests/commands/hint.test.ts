import { describe, expect, it } from 'vitest';
import { command } from '../../workbook/commands/hint.ts';
import { expectRefused } from '../support/expectations.ts';
import { Bench } from '../support/workbook.ts';

describe('npm run hint', () => {
  it('gives the next hint, then the last again, and with --all what was given, and no more', async () => {
    const bench = new Bench();

    const outputs = [(await bench.run('hint', 'orders')).stdout];
    const once = await bench.run('hint', 'orders', '1', '--all');
    for (let count = 1; count < 4; count++) {
      outputs.push((await bench.run('hint', 'orders')).stdout);
    }
    const all = await bench.run('hint', 'orders', '--all');

    expect(outputs[0]).toMatch(/^1\. An order becomes one entry[\s\S]*Hint 1 of 3\. One call of/);
    expect(outputs[0]).not.toContain('Hint 2');
    expect(outputs[0]).toContain('The next hint: npm run hint orders 1');
    expect(outputs[1]).toContain('Hint 2 of 3.');
    expect(outputs[2]).toContain('Hint 3 of 3.');
    expect(outputs[3]).toBe(outputs[2]);
    expect(once, '--all gives nothing new').toMatchObject({ code: 0, stdout: outputs[0] });
    expect(all.stdout).toMatch(/Hint 1 of 3[\s\S]*Hint 2 of 3[\s\S]*Hint 3 of 3/);
  });

  it.each([
    [[], 'For which exercise? There are orders, notifications, cart.'],
    [['orders', '99'], "Exercise orders has no requirement '99'"],
    [['orders', '1', '9'], "What is '9'?"],
    [['nothing', '1'], "There is no exercise 'nothing'"],
  ])('%j is refused', async (typed, message) => {
    await expectRefused(command, typed, message);
  });
});
