import { describe, expect, it } from 'vitest';
import { Bench } from '../support/workbook.ts';

describe('npm run hint', () => {
  it('gives the next hint of the first requirement that has not passed, and the last again', async () => {
    const bench = new Bench();

    const outputs: string[] = [];
    for (let count = 0; count < 4; count++) {
      outputs.push((await bench.run('hint', 'orders')).stdout);
    }
    const all = await bench.run('hint', 'orders', '--all');

    expect(outputs[0]).toMatch(/^1\. An order becomes one entry[\s\S]*Hint 1 of 3\. One call of/);
    expect(outputs[0]).not.toContain('Hint 2');
    expect(outputs[0]).toContain('The next hint: npm run hint orders 1');
    expect(outputs[1]).toContain('Hint 2 of 3.');
    expect(outputs[2]).toContain('Hint 3 of 3.');
    expect(outputs[3]).toBe(outputs[2]);
    expect(all.stdout).toMatch(/Hint 1 of 3[\s\S]*Hint 2 of 3[\s\S]*Hint 3 of 3/);
  });

  it('with --all repeats what was given, and no more', async () => {
    const bench = new Bench();
    await bench.run('hint', 'orders', '10');

    const { code, stdout } = await bench.run('hint', 'orders', '10', '--all');

    expect(code).toBe(0);
    expect(stdout).toContain('10. reclaimOrders takes over');
    expect(stdout).toContain('Hint 1 of 3. XAUTOCLAIM claims a page at a time.');
    expect(stdout).not.toContain('Hint 2');
  });

  it.each([
    [[], 'For which exercise? There are orders, notifications, cart.'],
    [['orders', '99'], "Exercise orders has no requirement '99'"],
    [['orders', '1', '9'], "What is '9'?"],
    [['nothing', '1'], "There is no exercise 'nothing'"],
  ])('%j gets a message and exit code 1', async (args, message) => {
    const bench = new Bench();

    const { code, stderr } = await bench.run('hint', ...args);

    expect(stderr).toContain(message);
    expect(code).toBe(1);
  });
});
