import { describe, expect, it } from 'vitest';
import { expectNothingLeft } from '../support/expectations.ts';
import { Bench } from '../support/workbook.ts';

const LONG = { timeout: 120_000 };
const WAIT = { timeout: 15_000 };

describe('however a grading ends', () => {
  it.each(['SIGKILL', 'SIGTERM', 'SIGHUP', 'Ctrl+C'] as const)(
    '%s in the middle of it leaves nothing behind',
    LONG,
    async (how) => {
      const bench = new Bench();
      const running = bench.start('grade', '--solutions');
      await expect
        .poll(
          () => bench.survivors().filter((line) => line.includes('start-host.cjs')).length,
          WAIT,
        )
        .toBeGreaterThan(3);

      if (how === 'Ctrl+C') running.ctrlC();
      else running.kill(how);
      const { stderr } = await running.ended;

      expect(stderr).toBe('');
      await expectNothingLeft(bench);
    },
  );
});
