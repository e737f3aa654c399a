import { setTimeout as sleep } from 'node:timers/promises';
import { expectAddedFirst } from '../harness/dead-letters.ts';
import { recordOf } from '../harness/entries.ts';
import { whilePassing, within } from '../harness/fair-clock.ts';
import { Freshness } from '../harness/freshness.ts';
import type { Check } from '../harness/grade-exercise.ts';
import { HandOuts } from '../harness/hand-outs.ts';
import { neighbours } from '../harness/others.ts';
import { eventually, expectThat } from '../harness/unmet.ts';
import type { WorkQueue } from '../harness/work-queue.ts';
import type { Worker } from '../harness/worker.ts';
import { DEAD_LETTERS, type Orders, orderQueue, STREAM } from './shop.ts';
import type { Order } from './starter.ts';

const POISON_IDLE_MS = 120;
/** It may be looked for as late as this, and a look may be a moment late itself. */
const RETRY_IDLE_MS = 300;
const RETRIED_WITHIN_MS = 2 * RETRY_IDLE_MS + 300;
const MOST_DELIVERIES = 3;
const SETTLED_MS = 60;
const FAILS_AFTER_MS = 60;
const RECLAIMED = 8;

export const dead: Check<Orders> = async (trial) => {
  const { redis } = trial;
  const queue = await orderQueue(trial);
  const { group, handled } = queue;
  const orders = await queue.add(5);
  const [poison = '', ...good] = orders.keys();
  const work = (id: string) => {
    if (id === poison) throw new Error('this order cannot be handled (a part of the check)');
  };
  // Two workers die of it, each in the middle of it, and cannot tell the next: Redis counts, and forgets nothing.
  const fatal = (id: string) => (id === poison ? new Promise(() => {}) : undefined);
  for (const name of ['alice', 'bob']) {
    const before = handled.times(poison);
    const worker = await trial.hire(name);
    queue.start(worker, POISON_IDLE_MS, fatal);
    await eventually(() => handled.times(poison) > before, {
      expected: `an order whose worker has died to be tried again, by ${name}`,
      happened: `its handler was called ${before} times, and not again`,
      about: { entries: [poison] },
    });
    await worker.crash();
  }
  const carol = await trial.hire('carol');
  const loop = queue.start(carol, POISON_IDLE_MS, work);

  const [[, fields = []] = []] = await eventually(
    async () => {
      const entries = await redis.xrange(DEAD_LETTERS, '-', '+');
      return entries.length > 0 && entries;
    },
    {
      expected: `order ${poison}, which fails each time, to be added to ${DEAD_LETTERS} in the end`,
      happened: () =>
        `its handler was called ${handled.times(poison)} times, and ${DEAD_LETTERS} is empty`,
      about: { entries: [poison] },
    },
  );
  expectThat(handled.times(poison) >= 3, {
    expected: 'an order to get 3 deliveries before it is given up',
    happened: `it was put aside after ${handled.times(poison)}`,
    about: { entries: [poison] },
  });
  const found = recordOf(fields);
  const wanted = Object.entries({ ...orders.get(poison), originalId: poison });
  expectThat(
    wanted.every(([name, value]) => found[name] === String(value)),
    {
      expected: `the fields of the order, and originalId: ${JSON.stringify(Object.fromEntries(wanted))}`,
      happened: `${DEAD_LETTERS} has ${JSON.stringify(found)}`,
    },
  );
  await handled.include(good);
  await group.allAcknowledged();
  const length = await redis.xlen(DEAD_LETTERS);
  expectThat(handled.times(poison) <= 4 && length === 1, {
    expected: 'the order to be put aside once, and not to be handled again',
    happened: `handled ${handled.times(poison)} times, ${length} entries in ${DEAD_LETTERS}`,
    about: { entries: [poison] },
  });
  await expectAddedFirst(trial, STREAM, DEAD_LETTERS, [poison]);
  await loop.end();
  // Who cannot stop yet would take what comes next.
  await carol.crash();
  await buriesWhateverItFinds(queue, await trial.hire('dora'));
};

/** What was delivered often enough is put aside by whoever comes upon it: a worker that comes back, one that takes over, and reclaimOrders. */
async function buriesWhateverItFinds(
  queue: WorkQueue<Orders, Order>,
  worker: Worker<Orders>,
): Promise<void> {
  const { group, handled, trial } = queue;
  const { redis } = trial;
  await queue.add(4 + RECLAIMED);
  const [busy = '', own = '', older = '', younger = '', ...reclaimed] = await group.leavePending(
    'dead',
    4 + RECLAIMED,
  );
  const letterOf = async (id: string) => {
    const letters = await redis.xrange(DEAD_LETTERS, '-', '+');
    return letters.find(([, fields]) => fields.includes(id))?.[1];
  };
  const isAside = async (id: string) => (await letterOf(id)) !== undefined;
  // Somebody is at work on these, and keeps them fresh. On a machine that is too busy for that, they are nobody's fault.
  const inHand = [busy, older, younger];
  const fresh = new Freshness(0.7 * RETRY_IDLE_MS);
  const keepBusy = () =>
    fresh.keep(() => group.makeIdle('zoe', inHand, { idleMs: 0, deliveries: 5 }));
  await keepBusy();
  const expectAside = async (id: string, how: string) => {
    const found = async () => {
      await keepBusy();
      return isAside(id);
    };
    await eventually(found, {
      expected: `an order that was delivered 5 times to be put aside ${how}`,
      happened: `${id} is not in ${DEAD_LETTERS}; its handler was called ${handled.times(id)} times`,
      about: { entries: [id] },
    });
    expectThat(handled.times(id) === 0 || fresh.lapsed, {
      expected:
        'an order that was delivered 5 times to reach no handler any more: it is Redis that counts, and forgets nothing',
      happened: `${id} reached a handler`,
      about: { entries: [id] },
    });
    const [[, fields = []] = []] = await redis.xrange(STREAM, id, id);
    const letter = (await letterOf(id)) ?? [];
    const lost = fields.find((word) => !letter.includes(word));
    expectThat(lost === undefined, {
      expected: `an order in ${DEAD_LETTERS} to have all its fields, also those that others have added: ${fields.join(' ')}`,
      happened: `it has ${letter.join(' ')}`,
      about: { entries: [id] },
    });
  };
  await group.makeIdle('dead', reclaimed, { deliveries: 5 });
  let isOver = false;
  const others = neighbours(worker, () => isOver);
  others.catch(() => {});
  const handOuts = new HandOuts(group);
  const fail = async (id: string) => {
    await handOuts.note(id);
    // Long enough for whoever renews a hold to do so: that is no delivery.
    await sleep(FAILS_AFTER_MS);
    throw new Error('this order cannot be handled (a part of the check)');
  };
  const count = await worker.call.reclaimOrders('dora', 60_000, handled.by('dora', fail));
  for (const id of reclaimed) await expectAside(id, 'by reclaimOrders too');
  expectThat(count === 0, {
    expected: 'reclaimOrders to return 0: what is put aside was not handled',
    happened: `it returned ${count}`,
  });

  await group.makeIdle('dora', [own], { idleMs: 0, deliveries: 5 });
  const loop = queue.start(worker, RETRY_IDLE_MS, fail);
  await expectAside(own, 'by the worker that finds it among its own, when it comes back');
  // The younger one is put aside first.
  for (const id of [younger, older]) {
    inHand.splice(inHand.indexOf(id), 1);
    await group.makeIdle('dead', [id], { deliveries: 5 });
    await expectAside(id, 'by a worker that takes it over, in whatever order they come');
  }
  isOver = true;
  await others;
  await triesThreeTimes(queue, worker, handOuts, keepBusy);
  expectThat(fresh.lapsed || (!(await isAside(busy)) && handled.times(busy) === 0), {
    expected:
      'an order that a handler is busy with to be left alone, however often it was delivered',
    happened: `${busy}, which zoe was at work on, was ${handled.times(busy) > 0 ? 'handled' : 'put aside'}`,
    about: { entries: [busy] },
  });
  for (const id of [...reclaimed, own, older, younger]) {
    expectThat(await isAside(id), {
      expected: `everything that was put aside to stay in ${DEAD_LETTERS}`,
      happened: `${id} is not there any more`,
    });
  }
  await loop.end();
}

/** One that fails each time gets its three deliveries, not sooner and not later than it should. */
async function triesThreeTimes(
  { add, handled, group }: WorkQueue<Orders, Order>,
  worker: Worker<Orders>,
  handOuts: HandOuts,
  meanwhile: () => Promise<unknown>,
): Promise<void> {
  const [id = ''] = (await add(1)).keys();
  for (let delivery = 1; delivery <= MOST_DELIVERIES; delivery++) {
    const tried = async () => {
      await meanwhile();
      return handled.times(id) >= delivery;
    };
    await within(worker, RETRIED_WITHIN_MS, tried, {
      expected: `an order that has failed to be tried again when it has been idle for minIdleMs, at the latest for twice as long: 3 deliveries before it is given up`,
      happened: async () =>
        `with a minIdleMs of ${RETRY_IDLE_MS}, its handler was called ${delivery - 1} times, and not again within ${RETRIED_WITHIN_MS} ms; ${(await group.pendingEntry(id)) ? 'it is pending still' : 'it was put aside'}`,
      about: { entries: [id] },
    });
  }
  handOuts.expectApart(id, RETRY_IDLE_MS);
  // The third failure is no reason to give it up at once: it has been delivered 3 times, and not more.
  const third = handled.of(id).at(-1)?.at ?? 0;
  await whilePassing(worker, SETTLED_MS, async () => {
    const entry = await group.pendingEntry(id);
    expectThat(entry !== undefined || performance.now() - third > RETRY_IDLE_MS / 2, {
      expected:
        'an order to be given up when it was delivered more than 3 times: after its third failure it waits like any other',
      happened: `${id} was put aside as soon as its third handler had failed`,
      about: { entries: [id] },
    });
  });
}
