import { setTimeout as sleep } from 'node:timers/promises';
import { saidNow, Unmet, type Wording } from './unmet.ts';

const TICK_MS = 20;
const LATEST_TICK_MS = 30;

/** A worker, as far as a clock needs to know it. */
interface Answering {
  /** Resolves when its process has come to whatever it was told before this. */
  answers(): Promise<boolean>;
}

/**
 * Waits until this is so, for so many milliseconds of the worker's own time: the clock goes on only when the worker's process
 * has had its turn, and a tick that comes late counts as one. On an idle machine that is the time on the wall; on a busy one,
 * nobody is late because others were quicker.
 *
 * @throws Unmet when it is not so in time
 */
export async function within(
  worker: Answering,
  milliseconds: number,
  probe: () => boolean | Promise<boolean>,
  { expected, happened, about }: Wording,
): Promise<void> {
  for (let passed = 0; !(await probe()); ) {
    if (passed > milliseconds) {
      throw new Unmet(expected, await saidNow(happened), await saidNow(about));
    }
    passed += await tick(worker);
  }
}

/**
 * Lets so many milliseconds pass, by the same clock, and looks again and again meanwhile. Only for what must not happen: nothing
 * else tells when to stop looking.
 */
export async function whilePassing(
  worker: Answering,
  milliseconds: number,
  look: () => unknown = () => {},
): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += await tick(worker)) await look();
  await look();
}

async function tick(worker: Answering): Promise<number> {
  const start = performance.now();
  await sleep(TICK_MS);
  await worker.answers();
  return Math.min(performance.now() - start, LATEST_TICK_MS);
}
