import { contains } from '../harness/entries.ts';
import type { Check } from '../harness/grade-exercise.ts';
import { acknowledgesAfterwards } from '../harness/scenarios/acknowledging.ts';
import { survivesACrash } from '../harness/scenarios/crashing.ts';
import { leavesWhatHangs } from '../harness/scenarios/hanging.ts';
import { sharesTheWork } from '../harness/scenarios/sharing.ts';
import { waitsAndStops } from '../harness/scenarios/stopping.ts';
import { bearsTheUnexpected } from '../harness/scenarios/unexpected.ts';
import { expectThat } from '../harness/unmet.ts';
import { NEVER_IDLE_MS } from '../harness/work-queue.ts';
import { DEAD_LETTERS, noOrders, type Orders, orderQueue, SOME_ORDER, STREAM } from './shop.ts';

const EARLIER = 1300;

export const work: Check<Orders> = async (trial) => {
  // Orders that were done with long ago. They are nobody's work any more, and stay.
  await trial.fillStream(STREAM, EARLIER, ...SOME_ORDER);
  const queue = await orderQueue(trial);
  await queue.group.skipAll();
  const early = await queue.add(6);
  const alice = await trial.hire('alice');

  const loop = queue.start(alice, NEVER_IDLE_MS);
  await queue.handled.include(early.keys());
  const late = await queue.add(6);
  await queue.handled.include(late.keys());
  await queue.group.allAcknowledged();

  for (const [id, order] of [...early, ...late]) {
    const [call, ...more] = queue.handled.of(id);
    expectThat(more.length === 0, {
      expected: 'each order to be handled once',
      happened: `order ${id} was handled ${more.length + 1} times`,
    });
    expectThat(contains(call?.item, order), {
      expected: `the handler to be given ${JSON.stringify(order)}`,
      happened: `it was given ${JSON.stringify(call?.item)}`,
    });
  }
  const length = await trial.redis.xlen(STREAM);
  expectThat(length === EARLIER + 12, {
    expected: `the 12 orders, and ${EARLIER} from before them, to stay in the stream: it keeps the newest 10,000`,
    happened: `${length} are left`,
  });
  await loop.end();
};

export const ack: Check<Orders> = async (trial) => acknowledgesAfterwards(await orderQueue(trial));
export const share: Check<Orders> = async (trial) => sharesTheWork(await orderQueue(trial));
export const stop: Check<Orders> = async (trial) => waitsAndStops(await orderQueue(trial));
export const crash: Check<Orders> = async (trial) => survivesACrash(await orderQueue(trial));

export const unexpected: Check<Orders> = async (trial) => {
  const queue = await orderQueue(trial);
  await bearsTheUnexpected(queue, {
    deadLetters: DEAD_LETTERS,
    entries: noOrders(trial),
    more: {},
  });
  const [alice] = trial.workers;
  if (alice) await leavesWhatHangs(queue, alice);
};
