import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from '../harness/worker.ts';
import type { Carts, CartTrial } from './store.ts';

/** The server goes on by itself after this time, whatever happens here. */
const PAUSE_MS = 3000;
const PATIENCE_MS = 1000;
const LOOK_MS = 2;

/**
 * Leads a call through its first writes, one after the other: the server holds writes back (CLIENT PAUSE), the worker sends one and
 * is stopped (SIGSTOP), the write goes through, and while the worker cannot know yet, something else happens.
 *
 * @param steps after so many writes it may go on as it likes
 * @param meanwhile may also end the worker for good
 */
export async function stepByStep<Result>(
  { redis }: CartTrial,
  worker: Worker<Carts>,
  steps: number,
  call: () => Promise<Result>,
  meanwhile: (step: number) => Promise<unknown>,
): Promise<Result | undefined> {
  const hold = () => redis.call('CLIENT', 'PAUSE', PAUSE_MS, 'WRITE');
  const isHeldBack = async () =>
    String(await redis.client('LIST'))
      .split('\n')
      .some((line) => line.includes(` name=${worker.name} `) && / flags=\w*b/.test(line));
  let running = true;

  await hold();
  const result = call().finally(() => {
    running = false;
  });
  result.catch(() => {});
  try {
    for (let step = 1; step <= steps; step++) {
      const deadline = performance.now() + PATIENCE_MS;
      while (running && !(await isHeldBack()) && performance.now() < deadline) await sleep(LOOK_MS);
      if (!running) break;
      await worker.pause();
      await redis.call('CLIENT', 'UNPAUSE');
      await meanwhile(step);
      if (worker.gone) return undefined;
      await hold();
      await worker.resume();
    }
  } finally {
    await redis.call('CLIENT', 'UNPAUSE');
  }
  return await result;
}
