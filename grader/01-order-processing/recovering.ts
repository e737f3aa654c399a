import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Check } from '../harness/exercise.ts';
import { check, eventually } from '../harness/unmet.ts';
import {
  addOrders,
  allAcknowledged,
  GROUP,
  Handled,
  leavePending,
  makeGroup,
  makeIdle,
  NEVER_IDLE_MS,
  type Orders,
  pendingCount,
  pendingEntries,
  STREAM,
} from './shop.ts';

const SHORT_IDLE_MS = 300;
const WORK_MS = 4;

export const pending: Check<Orders> = async (trial) => {
  const { redis } = trial;
  await makeGroup(trial);
  const alice = await trial.hire('alice');

  const none = await alice.call.pendingByWorker();
  check(isDeepStrictEqual(none, {}), {
    expected: '{} when nothing is pending',
    happened: `it returned ${JSON.stringify(none)}`,
  });

  await addOrders(trial, 140);
  await leavePending(redis, 'alice', 3);
  await leavePending(redis, 'bob', 130);
  const done = await leavePending(redis, 'carol', 2);
  await redis.xack(STREAM, GROUP, ...done);
  const counts = await alice.call.pendingByWorker();
  check(isDeepStrictEqual(counts, { alice: 3, bob: 130 }), {
    expected: '{ alice: 3, bob: 130 }, as numbers; carol has acknowledged hers',
    happened: `it returned ${JSON.stringify(counts)}`,
  });
};

export const reclaim: Check<Orders> = async (trial) => {
  const { redis } = trial;
  await makeGroup(trial);
  const orders = await addOrders(trial, 310);
  const fresh = await leavePending(redis, 'alive', 60);
  const old = await leavePending(redis, 'dead', 250);
  await makeIdle(redis, 'dead', old);
  const handled = new Handled();
  const carol = await trial.hire('carol');

  const count = await carol.call.reclaimOrders('carol', 60_000, handled.by('carol'));

  const robbed = fresh.filter((id) => handled.times(id) > 0);
  check(robbed.length === 0, {
    expected: 'orders that somebody has touched less than minIdleMs ago to be left alone',
    happened: `${robbed.length} orders of a worker that is alive were taken and handled`,
  });
  const wrong = old.filter((id) => handled.times(id) !== 1);
  check(wrong.length === 0, {
    expected: 'each of the 250 orders that a dead worker left to be handled once',
    happened: `${handled.calls.length} calls of the handler; ${wrong[0]} had ${handled.times(wrong[0] ?? '')}`,
  });
  const garbled = handled.calls.find(({ id, order }) => !isDeepStrictEqual(order, orders.get(id)));
  check(garbled === undefined, {
    expected: 'the handler to be given the order as it was published',
    happened: `for ${garbled?.id} it was given ${JSON.stringify(garbled?.order)}`,
  });
  const left = (await pendingEntries(redis)).filter(([, consumer]) => consumer !== 'alive');
  check(left.length === 0, {
    expected: 'reclaimed orders to be acknowledged',
    happened: `${left.length} of them are still pending, held by ${left[0]?.[1]}`,
  });
  check((await pendingCount(redis)) === fresh.length, {
    expected: `the ${fresh.length} orders of the live worker to stay pending`,
    happened: `${await pendingCount(redis)} are pending`,
  });
  check(count === old.length, {
    expected: 'reclaimOrders to return 250, the number of orders that it handled',
    happened: `it returned ${JSON.stringify(count)}`,
  });
};

export const trimmed: Check<Orders> = async (trial) => {
  const { redis } = trial;
  await makeGroup(trial);
  await addOrders(trial, 8);
  const [alice, carol] = await trial.hireAll('alice', 'carol');
  if (!alice || !carol) return;
  const handled = new Handled();

  const old = await leavePending(redis, 'dead', 5);
  await makeIdle(redis, 'dead', old);
  const [gone1 = '', kept1 = '', gone2 = '', kept2 = '', kept3 = ''] = old;
  await redis.xdel(STREAM, gone1, gone2);
  const count = await carol.call.reclaimOrders('carol', 60_000, handled.by('carol'));
  check(isDeepStrictEqual(handled.ids.toSorted(), [kept1, kept2, kept3].toSorted()), {
    expected: 'the handler to be called for the 3 orders that are still there, and for no other',
    happened: `it was called for ${handled.ids.join(', ') || 'none'}`,
  });
  check(count === 3, {
    expected: 'reclaimOrders to return 3: what was trimmed away is not handled',
    happened: `it returned ${JSON.stringify(count)}`,
  });
  const left = await pendingCount(redis);
  check(left === 0, {
    expected: 'trimmed orders to be cleared from the pending list',
    happened: `${left} are still on it`,
  });

  const own = await leavePending(redis, 'alice', 3);
  const [goneToo = '', ...kept] = own;
  await redis.xdel(STREAM, goneToo);
  const loop = alice.start((orders, signal) =>
    orders.runWorker('alice', handled.by('alice'), { signal, minIdleMs: NEVER_IDLE_MS }),
  );
  const next = await addOrders(trial, 2, 20);
  await handled.include([...kept, ...next.keys()]);
  check(handled.times(goneToo) === 0, {
    expected: 'no call of the handler for an order that is not there any more',
    happened: `it was called for ${goneToo}`,
  });
  await loop.stop();
};

export const history: Check<Orders> = async (trial) => {
  const { redis } = trial;
  await makeGroup(trial);
  const orders = await addOrders(trial, 12);
  const before = new Handled();
  const first = await trial.hire('alice');
  first.start((submission, signal) =>
    submission.runWorker(
      'alice',
      // The third order never ends: in the middle of it, the process is killed.
      before.by('alice', () => (before.calls.length === 3 ? new Promise(() => {}) : undefined)),
      { signal, minIdleMs: NEVER_IDLE_MS },
    ),
  );
  await eventually(() => before.calls.length >= 3, {
    expected: 'runWorker to handle the orders that are waiting',
    happened: () => `it handled ${before.calls.length} of 12`,
  });
  await first.crash();
  const left = (await pendingEntries(redis)).map(([id]) => id);
  check(left.length > 0, {
    expected: 'the order whose handler was still running to be pending after the crash',
    happened: 'nothing is pending: the order is lost',
  });

  const after = new Handled();
  const second = await trial.hire('alice');
  const loop = second.start((submission, signal) =>
    submission.runWorker('alice', after.by('alice'), { signal, minIdleMs: NEVER_IDLE_MS }),
  );
  await after.include(left);
  const seen = new Set([...before.ids, ...after.ids]);
  await after.include([...orders.keys()].filter((id) => !seen.has(id)));
  await allAcknowledged(redis);
  const early = after.ids.slice(0, left.length).find((id) => !left.includes(id));
  check(early === undefined, {
    expected: `what alice had left (${left.join(', ')}) to come first, and new orders after it`,
    happened: `${early} came before it`,
  });
  await loop.stop();
};

export const crash: Check<Orders> = async (trial) => {
  const { redis } = trial;
  await makeGroup(trial);
  const added = new Map(await addOrders(trial, 200));
  const handled = new Handled();
  const work = () => sleep(WORK_MS);
  const [alice, bob, carol] = await trial.hireAll('alice', 'bob', 'carol');
  if (!alice || !bob || !carol) return;

  let aliceHas = 0;
  alice.start((orders, signal) =>
    orders.runWorker(
      'alice',
      handled.by('alice', () => (++aliceHas < 20 ? work() : new Promise(() => {}))),
      { signal, minIdleMs: SHORT_IDLE_MS },
    ),
  );
  await eventually(() => aliceHas >= 20, {
    expected: 'alice to work on orders',
    happened: () => `she got ${aliceHas} of the first 20`,
  });
  const loops = [bob, carol].map((worker) =>
    worker.start((orders, signal) =>
      orders.runWorker(worker.name, handled.by(worker.name, work), {
        signal,
        minIdleMs: SHORT_IDLE_MS,
      }),
    ),
  );
  await alice.crash();
  const left = (await pendingEntries(redis)).filter(([, name]) => name === 'alice');
  const byOthers = (id: string) =>
    handled.calls.some((call) => call.id === id && call.worker !== 'alice');

  // New orders keep coming, so that nobody is ever idle, until what alice had is taken over.
  await eventually(
    async () => {
      if (handled.calls.length + 60 > added.size) {
        for (const [id, order] of await addOrders(trial, 40, added.size + 1)) added.set(id, order);
      }
      return left.every(([id]) => byOthers(id));
    },
    {
      expected: `the orders that alice held when she was killed (${left.length}) to be taken over by bob or carol, who are alive and busy`,
      happened: () => {
        const lost = left.filter(([id]) => !byOthers(id));
        return `after some seconds ${lost.length} are still waiting, for example ${lost[0]?.[0]}`;
      },
    },
  );
  await handled.include(added.keys());
  await allAcknowledged(redis);
  const garbled = handled.calls.find(({ id, order }) => !isDeepStrictEqual(order, added.get(id)));
  check(garbled === undefined, {
    expected: 'every handler to be given the order as it was published',
    happened: `for ${garbled?.id} it was given ${JSON.stringify(garbled?.order)}`,
  });
  await Promise.all(loops.map((loop) => loop.stop()));
};

export const dead: Check<Orders> = async (trial) => {
  const { redis } = trial;
  await makeGroup(trial);
  const orders = await addOrders(trial, 5);
  const [poison = '', ...good] = orders.keys();
  const handled = new Handled();
  const work = (id: string) => {
    if (id === poison) throw new Error('this order cannot be handled (part of the test)');
  };
  const loops = (await trial.hireAll('alice', 'bob')).map((worker) =>
    worker.start((submission, signal) =>
      submission.runWorker(worker.name, handled.by(worker.name, work), {
        signal,
        minIdleMs: 60,
      }),
    ),
  );

  const [[, fields = []] = []] = await eventually(
    async () => {
      const entries = await redis.xrange('orders:dead', '-', '+');
      return entries.length > 0 && entries;
    },
    {
      expected: `order ${poison}, which fails each time, to be added to orders:dead in the end`,
      happened: () =>
        `its handler was called ${handled.times(poison)} times, and orders:dead is empty`,
    },
  );
  check(handled.times(poison) >= 3, {
    expected: 'an order to get 3 deliveries before it is given up',
    happened: `it was put aside after ${handled.times(poison)}`,
  });
  const found = Object.fromEntries(
    fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1]]] : [])),
  );
  const wanted = Object.fromEntries(
    Object.entries({ ...orders.get(poison), originalId: poison }).map(([k, v]) => [k, String(v)]),
  );
  const complete = Object.entries(wanted).every(([name, value]) => found[name] === value);
  check(complete, {
    expected: `the fields of the order and originalId: ${JSON.stringify(wanted)}`,
    happened: `orders:dead has ${JSON.stringify(found)}`,
  });
  await handled.include(good);
  await allAcknowledged(redis);
  check(handled.times(poison) <= 5 && (await redis.xlen('orders:dead')) === 1, {
    expected: 'the order to be put aside once, and not to be handled again',
    happened: `handled ${handled.times(poison)} times, ${await redis.xlen('orders:dead')} entries in orders:dead`,
  });
  await Promise.all(loops.map((loop) => loop.stop()));
};
