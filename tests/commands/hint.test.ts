import { describe, expect, it } from 'vitest';
import { Bench } from '../support/workbook.ts';

describe('npm run hint', () => {
  it('gives the first hint, and says how to get the next', async () => {
    const bench = new Bench();

    const { code, stdout } = await bench.run('hint', 'orders', '10');

    expect(code).toBe(0);
    expect(stdout).toContain('10. reclaimOrders takes over');
    expect(stdout).toContain('Hint 1. XAUTOCLAIM claims a page at a time.');
    expect(stdout).not.toContain('Hint 2');
    expect(stdout).toContain('npm run hint orders 10 2');
  });

  it('gives all of them in the end', async () => {
    const bench = new Bench();

    const { stdout } = await bench.run('hint', 'cart', '3', '3');

    expect(stdout).toContain('Hint 3. A Lua script');
    expect(stdout).not.toContain('The next hint');
  });

  it.each([
    [[], 'npm run hint orders 3'],
    [['orders'], 'npm run hint orders 3'],
    [['orders', '99'], "Exercise orders has no requirement '99'"],
    [['orders', '1', '9'], 'There are 3 hints'],
    [['nothing', '1'], "There is no exercise 'nothing'"],
  ])('%j gets a message and exit code 1', async (args, message) => {
    const bench = new Bench();

    const { code, stderr } = await bench.run('hint', ...args);

    expect(stderr).toContain(message);
    expect(code).toBe(1);
  });
});
