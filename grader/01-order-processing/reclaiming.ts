import { contains } from '../harness/entries.ts';
import type { Check } from '../harness/grade-exercise.ts';
import type { Group } from '../harness/group.ts';
import { holdingWrites } from '../harness/hold-writes.ts';
import { expectThat } from '../harness/unmet.ts';
import { expectUntouched } from '../harness/untouched.ts';
import type { WorkQueue } from '../harness/work-queue.ts';
import type { Worker } from '../harness/worker.ts';
import { type Orders, orderQueue, SOME_ORDER, STREAM } from './shop.ts';
import type { Order } from './starter.ts';

/** So long that a machine that is busy with others makes nothing idle. */
const MIN_IDLE_MS = 300_000;
const FRESH = 1060;
const LEFT = 130;

export const reclaim: Check<Orders> = async (trial) => {
  const queue = await orderQueue(trial);
  const { group, handled } = queue;
  // XAUTOCLAIM looks at ten times COUNT entries, and may well return none of them, and go on.
  await trial.fillStream(STREAM, FRESH, ...SOME_ORDER);
  const fresh = await group.leavePending('alive', FRESH);
  const orders = await queue.add(LEFT);
  await group.makeIdle('alive', fresh.slice(0, 20), { idleMs: 0.75 * MIN_IDLE_MS });
  const old = await group.leavePending('dead', LEFT);
  await group.makeIdle('dead', old);
  const own = old.slice(100, 103);
  await group.makeIdle('carol', own);
  const bad = old.slice(40, 42);
  const carol = await trial.hire('carol');

  // Somebody else acknowledges one of them: it was handled all the same.
  const outside = old[7] ?? '';
  const work = async (id: string) => {
    if (id === outside) await group.acknowledge(id);
    if (bad.includes(id) && handled.times(id) === 1)
      throw new Error('this order cannot be handled now (a part of the check)');
  };
  const reclaimAgain = () =>
    carol.call.reclaimOrders('carol', MIN_IDLE_MS, handled.by('carol', work));
  const count = await reclaimAgain();

  const robbed = fresh.filter((id) => handled.times(id) > 0);
  expectThat(robbed.length === 0, {
    expected: 'orders that somebody has touched less than minIdleMs ago to be left alone',
    happened: `${robbed.length} orders of a worker that is alive were taken and handled`,
    about: { entries: robbed },
  });
  const wrong = old.filter((id) => handled.times(id) !== 1);
  expectThat(wrong.length === 0, {
    expected: `each of the ${LEFT} orders that were left, by a dead worker or by carol herself, to be handled once`,
    happened: `${handled.calls.length} calls of the handler; ${wrong[0]} had ${handled.times(wrong[0] ?? '')}`,
    about: { entries: wrong },
  });
  const garbled = handled.calls.find(({ id, item }) => !contains(item, Object(orders.get(id))));
  expectThat(garbled === undefined, {
    expected: 'the handler to be given the order as it was published',
    happened: `for ${garbled?.id} it was given ${JSON.stringify(garbled?.item)}`,
    about: { entries: garbled ? [garbled.id] : [] },
  });
  await expectPending(
    group,
    [...fresh, ...bad],
    'the orders of the live worker, and the two whose handler threw',
  );
  expectThat(count === old.length - bad.length, {
    expected: `reclaimOrders to return ${old.length - bad.length}, the number of orders that were handled: two handlers have thrown`,
    happened: `it returned ${JSON.stringify(count)}`,
  });

  await group.makeIdle('carol', bad);
  const later = await reclaimAgain();
  expectThat(later === bad.length && bad.every((id) => handled.times(id) === 2), {
    expected:
      'what has failed to be handled again by the same worker, once it has been idle for minIdleMs',
    happened: `the handler was called for ${bad.filter((id) => handled.times(id) === 2).length} of the 2, and reclaimOrders returned ${JSON.stringify(later)}`,
  });
  await expectPending(group, fresh, 'the orders of the live worker alone');
  await expectOneOfTwo(queue, carol);
};

/** Two workers reach for the same orders: both have looked at what is there, before one of them takes something. */
async function expectOneOfTwo(
  queue: WorkQueue<Orders, Order>,
  carol: Worker<Orders>,
): Promise<void> {
  const { trial, group, handled } = queue;
  const dave = await trial.hire('dave');
  await queue.add(20);
  const ids = await group.leavePending('dead', 20);
  await group.makeIdle('dead', ids);

  const taken = await holdingWrites(trial, 2, () =>
    [carol, dave].map(({ name, call }) => call.reclaimOrders(name, MIN_IDLE_MS, handled.by(name))),
  );
  await Promise.all(taken);
  await expectUntouched(trial, STREAM, 'it keeps the newest 10,000 orders');
  const both = ids.filter((id) => handled.times(id) > 1);
  expectThat(both.length === 0, {
    expected: 'an order that two workers reach for at the same moment to go to one of them',
    happened: `${both.length} of 20 were handled by both. Redis compares the idle time once more when an order is claimed: with minIdleMs, and not with 0`,
    about: { entries: both },
  });
}

async function expectPending(group: Group, ids: readonly string[], what: string): Promise<void> {
  const pending = await group.pendingIds();
  const missing = ids.find((id) => !pending.includes(id));
  const more = pending.find((id) => !ids.includes(id));
  expectThat(missing === undefined && more === undefined, {
    expected: `pending afterwards: ${what}`,
    happened: missing
      ? `${missing} is not pending any more`
      : `${pending.length - ids.length} more are pending, for example ${more}`,
    about: { entries: [missing ?? more ?? ''] },
  });
}
