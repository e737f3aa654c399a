import { isDeepStrictEqual } from 'node:util';
import type { Check } from '../harness/grade-exercise.ts';
import { eventually, expectThat } from '../harness/unmet.ts';
import { NEVER_IDLE_MS, type WorkQueue } from '../harness/work-queue.ts';
import type { Worker } from '../harness/worker.ts';
import { makeGroup, type Orders, orderQueue, SOME_ORDER, STREAM } from './shop.ts';
import type { Order } from './starter.ts';

const DEAD_LETTERS = 'orders:dead';
const POISON_IDLE_MS = 120;

export const pending: Check<Orders> = async (trial) => {
  const group = await makeGroup(trial);
  const alice = await trial.hire('alice');

  const none = await alice.call.pendingByWorker();
  expectThat(isDeepStrictEqual(none, {}), {
    expected: '{} when nothing is pending',
    happened: `it returned ${JSON.stringify(none)}`,
  });

  const ofAlice = trial.random.between(2, 9);
  const ofBob = trial.random.between(1030, 1060);
  await trial.fillStream(STREAM, 1100, ...SOME_ORDER);
  await group.leavePending('alice', ofAlice);
  await group.leavePending('bob', ofBob);
  const done = await group.leavePending('carol', 2);
  await group.acknowledge(...done);
  const counts = await alice.call.pendingByWorker();
  expectThat(isDeepStrictEqual(counts, { alice: ofAlice, bob: ofBob }), {
    expected: `{ alice: ${ofAlice}, bob: ${ofBob} }, as numbers; carol has acknowledged hers`,
    happened: `it returned ${JSON.stringify(counts)}`,
  });
};

export const trimmed: Check<Orders> = async (trial) => {
  const { redis } = trial;
  const queue = await orderQueue(trial);
  const { group, handled } = queue;
  await queue.add(8);
  const [alice, carol] = await trial.hireAll('alice', 'carol');

  const old = await group.leavePending('dead', 5);
  await group.makeIdle('dead', old);
  const [goneFirst = '', , goneLater = ''] = old;
  await redis.xdel(STREAM, goneFirst, goneLater);
  const kept = old.filter((id) => id !== goneFirst && id !== goneLater);
  const count = await carol.call.reclaimOrders('carol', 60_000, handled.by('carol'));
  expectThat(isDeepStrictEqual(handled.ids.toSorted(), kept), {
    expected: 'the handler to be called for the 3 orders that are still there, and for no other',
    happened: `it was called for ${handled.ids.join(', ') || 'none'}`,
  });
  expectThat(count === 3, {
    expected: 'reclaimOrders to return 3: what was trimmed away is not handled',
    happened: `it returned ${JSON.stringify(count)}`,
  });
  const left = await group.pendingCount();
  expectThat(left === 0, {
    expected: 'trimmed orders to be cleared from the pending list',
    happened: `${left} are still on it`,
  });

  const [goneToo = '', ...own] = await group.leavePending('alice', 3);
  await redis.xdel(STREAM, goneToo);
  const loop = queue.start(alice, NEVER_IDLE_MS);
  await handled.include([...own, ...(await queue.add(2)).keys()]);
  expectThat(handled.times(goneToo) === 0, {
    expected: 'no call of the handler for an order that is not there any more',
    happened: `it was called for ${goneToo}`,
    about: { entries: [goneToo] },
  });
  await loop.end();
};

export const history: Check<Orders> = async (trial) => {
  const queue = await orderQueue(trial);
  const { group, handled } = queue;
  const orders = await queue.add(12);
  const first = await trial.hire('alice');
  // The third order never ends: in the middle of it, the process is killed.
  const third = () => (handled.calls.length === 3 ? new Promise(() => {}) : undefined);
  queue.start(first, NEVER_IDLE_MS, third);
  await eventually(() => handled.calls.length >= 3, {
    expected: 'runWorker to handle the orders that are waiting',
    happened: () => `it handled ${handled.calls.length} of 12`,
  });
  await first.crash();
  const left = await group.pendingIds();
  expectThat(left.length > 0, {
    expected: 'the order whose handler was still running to be pending after the crash',
    happened: 'nothing is pending: the order is lost',
  });

  const before = handled.calls.splice(0);
  // And a lot more, of which the last cannot be handled. None has been idle for long enough to be taken over.
  await queue.add(130);
  const old = await group.leavePending('alice', 500);
  const bad = old.at(-1);
  const second = await trial.hire('alice');
  const loop = queue.start(second, NEVER_IDLE_MS, (id) => {
    if (id === bad) throw new Error('this order cannot be handled (a part of the check)');
  });
  await handled.include([...left, ...old]);
  const done = new Set(before.map(({ id }) => id));
  const fresh = [...(await queue.add(3)).keys()];
  await handled.include([...[...orders.keys()].filter((id) => !done.has(id)), ...fresh]);
  const others = async () => (await group.pendingIds()).filter((id) => id !== bad);
  await eventually(async () => (await others()).length === 0, {
    expected: 'everything but the order whose handler threw to be acknowledged in the end',
    happened: async () => `still pending: ${(await others()).slice(0, 3).join(', ')}`,
    about: async () => ({ entries: await others() }),
  });
  const early = handled.ids.slice(0, left.length).find((id) => !left.includes(id));
  expectThat(early === undefined, {
    expected: `what alice had left (${left.join(', ')}) to come first, and new orders after it`,
    happened: `${early} came before it`,
    about: { entries: [...(early ? [early] : []), ...left] },
  });
  expectThat((await group.pendingIds()).includes(bad ?? ''), {
    expected: `order ${bad}, whose handler threw, to stay pending`,
    happened: 'it was acknowledged: nobody will handle it any more',
    about: { entries: [bad ?? ''] },
  });
  await loop.end();
};

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
  const found = new Map<string, string>();
  for (let at = 0; at < fields.length; at += 2) found.set(fields[at] ?? '', fields[at + 1] ?? '');
  const wanted = Object.entries({ ...orders.get(poison), originalId: poison });
  expectThat(
    wanted.every(([name, value]) => found.get(name) === String(value)),
    {
      expected: `the fields of the order, and originalId: ${JSON.stringify(Object.fromEntries(wanted))}`,
      happened: `${DEAD_LETTERS} has ${JSON.stringify(Object.fromEntries(found))}`,
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
  const commands = (await trial.commands()).filter(({ worker }) => worker === 'carol');
  const find = (name: string, key: string) =>
    commands.findIndex(
      ({ args: [command = '', ...rest] }) =>
        command.toLowerCase() === name && rest[0] === key && rest.includes(poison),
    );
  const [added, acknowledged] = [find('xadd', DEAD_LETTERS), find('xack', STREAM)];
  const isTransaction = commands.some(({ args: [command = ''] }) => /^exec$/i.test(command));
  expectThat(isTransaction || added === -1 || acknowledged === -1 || added < acknowledged, {
    expected: `the order to be added to ${DEAD_LETTERS} before it is acknowledged, or in one transaction with it`,
    happened: 'the XACK came first: a crash between the two would lose the order',
    about: { command: commands[acknowledged], entries: [poison] },
  });
  await loop.end();
  await expectMoreDead(queue, await trial.hire('dora'));
};

/** Two that have been delivered often enough: the younger one is put aside first. */
async function expectMoreDead(
  queue: WorkQueue<Orders, Order>,
  worker: Worker<Orders>,
): Promise<void> {
  const { group, handled, trial } = queue;
  const ids = [...(await queue.add(2)).keys()];
  await group.leavePending('dead', 2);
  const loop = queue.start(worker, POISON_IDLE_MS * 3, (id) => {
    if (ids.includes(id)) throw new Error('this order cannot be handled (a part of the check)');
  });
  for (const [count, id] of ids.toReversed().entries()) {
    await group.makeIdle('dead', [id], { deliveries: 5 });
    await eventually(async () => (await trial.redis.xlen(DEAD_LETTERS)) >= count + 2, {
      expected: `${DEAD_LETTERS} to hold all ${count + 2} orders that were put aside, in whatever order they come`,
      happened: async () =>
        `${id} was the last of them, and ${DEAD_LETTERS} has ${await trial.redis.xlen(DEAD_LETTERS)} entries; its handler was called ${handled.times(id)} times`,
      about: { entries: [id] },
    });
  }
  await loop.end();
}
