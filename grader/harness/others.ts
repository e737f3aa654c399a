import { setTimeout as sleep } from 'node:timers/promises';
import { within } from './fair-clock.ts';
import { expectThat } from './unmet.ts';
import type { Worker } from './worker.ts';

const CALLS = 3;
const AT_ONCE_MS = 250;
const NEIGHBOURS = 2;
const PAUSE_MS = 1;
const TEXT = 'a neighbour';

/** While a loop has nothing to do, others use the connection that it was given, and get their answers. */
export async function leavesTheConnectionToOthers<Submission>(
  worker: Worker<Submission>,
): Promise<void> {
  for (let count = 0; count < CALLS; count++) {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    // That the connection is closed is judged elsewhere.
    void worker.pingRedis(TEXT).then(over, over);
    await within(worker, AT_ONCE_MS, () => isOver, {
      expected:
        'others to be able to use `redis` while a loop waits for something new: here with a PING',
      happened: `it had no answer after ${AT_ONCE_MS} ms. A blocking read holds up everything behind it on its connection`,
      about: { workers: [worker.name] },
    });
  }
}

/** Others use the connection while the worker does, again and again, and must not notice. */
export async function neighbours<Submission>(
  worker: Worker<Submission>,
  over: () => boolean,
): Promise<void> {
  while (!over()) {
    const pings = Array.from({ length: NEIGHBOURS }, () => worker.pingRedis(TEXT));
    const [settled] = await Promise.all([Promise.allSettled(pings), sleep(PAUSE_MS)]);
    const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const odd = answers.find((answer) => answer !== TEXT);
    expectThat(odd === undefined || over(), {
      expected:
        'others to be able to use `redis` at the same time, here with a PING, while an entry is put aside',
      happened: `Redis answered ${JSON.stringify(odd)} to it. Between a MULTI and its EXEC, everything that is sent on a connection belongs to the transaction: send it as a whole`,
      about: { workers: [worker.name] },
    });
  }
}
