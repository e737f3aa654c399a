import { isDeepStrictEqual } from 'node:util';
import type { Check } from '../harness/exercise.ts';
import { commandsWhileIdle } from '../harness/idle.ts';
import { check, eventually } from '../harness/unmet.ts';
import {
  addOrders,
  allAcknowledged,
  Handled,
  makeGroup,
  NEVER_IDLE_MS,
  type Orders,
  pendingEntries,
  STREAM,
} from './shop.ts';

const minIdleMs = NEVER_IDLE_MS;

export const work: Check<Orders> = async (trial) => {
  const { redis } = trial;
  await makeGroup(trial);
  const early = await addOrders(trial, 6);
  const handled = new Handled();
  const alice = await trial.hire('alice');

  const loop = alice.start((orders, signal) =>
    orders.runWorker('alice', handled.by('alice'), { signal, minIdleMs }),
  );
  await handled.include(early.keys());
  const late = await addOrders(trial, 6, 7);
  await handled.include(late.keys());
  await allAcknowledged(redis);

  for (const [id, order] of [...early, ...late]) {
    const calls = handled.calls.filter((call) => call.id === id);
    check(calls.length === 1, {
      expected: 'each order to be handled once',
      happened: `order ${id} was handled ${calls.length} times`,
    });
    check(isDeepStrictEqual(calls[0]?.order, order), {
      expected: `the handler to be given ${JSON.stringify(order)}`,
      happened: `it was given ${JSON.stringify(calls[0]?.order)}`,
    });
  }
  check((await redis.xlen(STREAM)) === 12, {
    expected: 'the 12 orders to stay in the stream: it keeps the newest 10,000',
    happened: `${await redis.xlen(STREAM)} are left`,
  });
  await loop.stop();
};

export const ack: Check<Orders> = async (trial) => {
  const { redis } = trial;
  await makeGroup(trial);
  const handled = new Handled();
  const alice = await trial.hire('alice');
  let finish = () => {};
  const held = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let failing = '';

  const [first = ''] = (await addOrders(trial, 1)).keys();
  const handler = handled.by('alice', async (id) => {
    if (id === first) await held;
    if (id === failing) throw new Error('out of stock (this error is part of the test)');
  });
  const loop = alice.start((orders, signal) =>
    orders.runWorker('alice', handler, { signal, minIdleMs }),
  );

  await handled.include([first]);
  const while_ = await pendingEntries(redis);
  check(while_.length === 1 && while_[0]?.[0] === first && while_[0]?.[1] === 'alice', {
    expected: `order ${first} to be pending for the consumer 'alice' while its handler runs`,
    happened:
      while_.length === 0
        ? 'nothing is pending: a crash would lose the order now'
        : `pending: ${while_.map(([id, consumer]) => `${id} for '${consumer}'`).join(', ')}`,
  });
  finish();
  await allAcknowledged(redis);

  const [bad = '', ...good] = await addFailing(trial, (id) => {
    failing = id;
  });
  await handled.include([bad, ...good]);
  await eventually(async () => isDeepStrictEqual(await pendingIds(redis), [bad]), {
    expected: `order ${bad}, whose handler threw, to stay pending, and the others to be acknowledged`,
    happened: async () => `pending are: ${(await pendingIds(redis)).join(', ') || 'none'}`,
  });
  const next = await addOrders(trial, 1, 50);
  await handled.include(next.keys());
  await loop.stop();
};

/** Adds 8 orders at once, after `choose` has been told the id of the one that is to fail. */
async function addFailing(
  trial: Parameters<Check<Orders>>[0],
  choose: (id: string) => void,
): Promise<string[]> {
  // The ids must be known before any worker can read the entries, so they are given, not made up.
  const ids = Array.from({ length: 8 }, (_, index) => `9999999999990-${index}`);
  const [bad = ''] = ids;
  choose(bad);
  const transaction = trial.redis.multi();
  for (const [index, id] of ids.entries()) {
    transaction.xadd(
      STREAM,
      id,
      'productId',
      `tea-${index}`,
      'userId',
      'u',
      'quantity',
      1,
      'timestamp',
      2,
    );
  }
  await transaction.exec();
  return ids;
}

async function pendingIds(redis: Parameters<typeof pendingEntries>[0]): Promise<string[]> {
  return (await pendingEntries(redis)).map(([id]) => id);
}

export const share: Check<Orders> = async (trial) => {
  const { redis } = trial;
  await makeGroup(trial);
  const names = ['alice', 'bob', 'carol'];
  const handled = new Handled();
  let letGo = () => {};
  const together = new Promise<void>((resolve) => {
    letGo = resolve;
  });

  const loops = (await trial.hireAll(...names)).map((worker) =>
    worker.start((orders, signal) =>
      orders.runWorker(
        worker.name,
        handled.by(worker.name, () => together),
        { signal, minIdleMs },
      ),
    ),
  );
  // One order at a time, until each worker has one in hand.
  const added: string[] = [];
  for (let number = 1; handled.workers.length < names.length && number <= 20; number++) {
    const before = handled.calls.length;
    added.push(...(await addOrders(trial, 1, number)).keys());
    await eventually(() => handled.calls.length > before, {
      expected: 'an order that comes in to reach a worker that is free',
      happened: `${handled.workers.join(' and ')} were busy, and nobody took it`,
    });
  }
  const consumers = [...new Set((await pendingEntries(redis)).map(([, name]) => name))].sort();
  check(isDeepStrictEqual(handled.workers, names) && isDeepStrictEqual(consumers, names), {
    expected: 'alice, bob and carol to hold one order each, under their own names',
    happened: `handlers ran for ${handled.workers.join(', ')}; pending are orders of ${consumers.join(', ')}`,
  });
  letGo();

  for (let batch = 0; batch < 3; batch++) {
    added.push(...(await addOrders(trial, 100, 100 * (batch + 1))).keys());
    await handled.include(added);
  }
  await allAcknowledged(redis);
  const twice = added.filter((id) => handled.times(id) !== 1);
  check(twice.length === 0 && handled.calls.length === added.length, {
    expected: `each of ${added.length} orders to be handled once: no worker crashed`,
    happened: `${twice.length} were handled more than once, for example ${twice[0]}`,
  });
  await Promise.all(loops.map((loop) => loop.stop()));
};

export const stop: Check<Orders> = async (trial) => {
  const { redis } = trial;
  await makeGroup(trial);
  const handled = new Handled();
  const [alice, bob] = await trial.hireAll('alice', 'bob');
  if (!alice || !bob) return;

  const idle = alice.start((orders, signal) =>
    orders.runWorker('alice', handled.by('alice'), { signal, minIdleMs }),
  );
  const first = await addOrders(trial, 1);
  await handled.include(first.keys());
  await allAcknowledged(redis);
  const sent = await commandsWhileIdle(trial, 'alice');
  check(sent.perSecond < 800, {
    expected:
      'a worker without orders to wait in Redis (BLOCK), or at least to pause between reads',
    happened: `it sent ${sent.count} commands in ${sent.milliseconds} ms`,
  });
  await idle.stop();
  const left = await connectionsOf(redis, 'alice');
  check(left <= 1, {
    expected: 'the connections that runWorker has opened to be closed when it returns',
    happened: `${left - 1} of them are still open`,
  });

  let finish = () => {};
  const held = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const busy = bob.start((orders, signal) =>
    orders.runWorker(
      'bob',
      handled.by('bob', () => held),
      { signal, minIdleMs },
    ),
  );
  const second = await addOrders(trial, 1, 2);
  await handled.include(second.keys());
  const stopped = busy.stop();
  stopped.catch(() => {});
  await trial.reacts(bob);
  finish();
  await stopped;
  await allAcknowledged(redis);
};

async function connectionsOf(redis: Parameters<typeof pendingEntries>[0], name: string) {
  const list = String(await redis.client('LIST'));
  return list.split('\n').filter((line) => line.includes(` name=${name} `)).length;
}
