import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { takeLock } from '../../system/lock.ts';
import { Bench } from '../support/workbook.ts';

const WAIT = { timeout: 15_000 };

describe('takeLock', () => {
  it('gives the lock to one at a time', async () => {
    const path = join(new Bench().folder, 'a.lock');
    const lock = await takeLock(path);

    await expect(takeLock(path)).rejects.toMatchObject({ code: 'ELOCKED' });

    await lock.release();
    await (await takeLock(path, { retries: 3, everyMs: 10 })).release();
    expect(existsSync(path)).toBe(false);
  });

  it.each([
    ['has taken it', (path: string) => mkdirSync(path)],
    ['has taken and released it', () => {}],
  ])('says that it was lost when another one %s meanwhile, and throws nothing', async (_, take) => {
    const path = join(new Bench().folder, 'a.lock');
    const lock = await takeLock(path);

    rmdirSync(path);
    take(path);

    await expect.poll(() => lock.lost.aborted, WAIT).toBe(true);
    await lock.release();
    expect(existsSync(path), 'it is no longer ours to remove').toBe(take.length > 0);
  });
});
