import { within } from './fair-clock.ts';
import type { Worker } from './worker.ts';

const CALLS = 3;
const AT_ONCE_MS = 250;

/**
 * While a loop has nothing to do, others use the connection that it was given, and get their answers.
 *
 * @param name of the function that is called, and that needs nothing but the connection
 */
export async function leavesTheConnectionToOthers<Submission>(
  worker: Worker<Submission>,
  name: string,
  call: () => Promise<unknown>,
): Promise<void> {
  for (let count = 0; count < CALLS; count++) {
    let isOver = false;
    const answer = call().finally(() => {
      isOver = true;
    });
    answer.catch(() => {});
    await within(worker, AT_ONCE_MS, () => isOver, {
      expected: `others to be able to use \`redis\` while a loop waits for something new: here ${name}`,
      happened: `it had no answer after ${AT_ONCE_MS} ms. A blocking read holds up everything behind it on its connection`,
      about: { workers: [worker.name] },
    });
    await answer;
  }
}
