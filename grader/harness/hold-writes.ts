import { setTimeout as sleep } from 'node:timers/promises';
import type { Trial } from './trial.ts';

/** The server goes on by itself after this time, whatever happens here. */
const PAUSE_MS = 2000;
const PATIENCE_MS = 1000;
const LOOK_MS = 4;

/**
 * Has the server hold back all writes (CLIENT PAUSE ... WRITE) until so many connections of the submission wait for one; then
 * all of them go through at once. Reads go on meanwhile.
 */
export async function holdingWrites<Submission, Result>(
  trial: Trial<Submission>,
  waiting: number,
  task: () => Result,
): Promise<Result> {
  await trial.redis.call('CLIENT', 'PAUSE', PAUSE_MS, 'WRITE');
  try {
    const result = task();
    const deadline = performance.now() + PATIENCE_MS;
    const heldBack = async () =>
      (await trial.connections()).filter((line) => / flags=\w*b/.test(line)).length;
    while ((await heldBack()) < waiting && performance.now() < deadline) await sleep(LOOK_MS);
    return result;
  } finally {
    await trial.redis.call('CLIENT', 'UNPAUSE');
  }
}
