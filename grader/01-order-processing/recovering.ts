import { isDeepStrictEqual } from 'node:util';
import type { Check } from '../harness/grade-exercise.ts';
import { eventually, expectThat } from '../harness/unmet.ts';
import { NEVER_IDLE_MS } from '../harness/work-queue.ts';
import { DEAD_LETTERS, makeGroup, type Orders, orderQueue, SOME_ORDER, STREAM } from './shop.ts';

const NEWS = 5;
const LONG_IDLE_MS = 300_000;

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
  const count = await carol.call.reclaimOrders('carol', LONG_IDLE_MS, handled.by('carol'));
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
  const letters = await redis.xlen(DEAD_LETTERS);
  expectThat(letters === 0, {
    expected: `nothing in ${DEAD_LETTERS}: of an order that was trimmed away, there is nothing left to put aside`,
    happened: `there are ${letters} entries`,
    about: { keys: [DEAD_LETTERS] },
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
  // And a lot more, of which the first and the last cannot be handled. None has been idle for long enough to be taken over.
  await queue.add(110);
  const own = [...left, ...(await group.leavePending('alice', 500))];
  const bad = [own[0], own.at(-1)];
  const news = [...(await queue.add(NEWS)).keys()];
  const second = await trial.hire('alice');
  // While she works on the first, one of the last is taken over by somebody who is at work on it.
  const taken = own.at(-2) ?? '';
  let takenBack = false;
  const loop = queue.start(second, NEVER_IDLE_MS, async (id) => {
    if (handled.calls.length === 1) await group.makeIdle('zoe', [taken], { idleMs: 0 });
    if (id === taken) takenBack = (await group.pendingEntry(id))?.consumer === 'alice';
    if (bad.includes(id)) throw new Error('this order cannot be handled (a part of the check)');
  });
  await handled.include([...own.filter((id) => id !== taken), ...news]);
  expectThat(!takenBack, {
    expected:
      'what somebody else has taken over meanwhile to be left to them, also by the one who had it before a restart',
    happened: `zoe was at work on ${taken}, and alice took it back`,
    about: { entries: [taken] },
  });
  const done = new Set(before.map(({ id }) => id));
  const fresh = [...(await queue.add(3)).keys()];
  await handled.include([...[...orders.keys()].filter((id) => !done.has(id)), ...fresh]);
  const others = async () =>
    (await group.pendingIds()).filter((id) => !bad.includes(id) && id !== taken);
  await eventually(async () => (await others()).length === 0, {
    expected: 'everything but the two orders whose handlers threw to be acknowledged in the end',
    happened: async () => `still pending: ${(await others()).slice(0, 3).join(', ')}`,
    about: async () => ({ entries: await others() }),
  });
  const firstNews = handled.ids.findIndex((id) => news.includes(id));
  const earlier = handled.ids.slice(0, firstNews);
  const later = own.filter((id) => id !== taken && !earlier.includes(id));
  expectThat(later.length === 0, {
    expected: `what alice had left, ${own.length} orders, to be begun before the first new one, in any order`,
    happened: `${handled.ids[firstNews]} is new, and came before ${later.length} of them, for example ${later[0]}`,
    about: { entries: [handled.ids[firstNews] ?? '', ...later.slice(0, 3)] },
  });
  const pending = await group.pendingIds();
  const lost = bad.find((id) => !pending.includes(id ?? ''));
  expectThat(lost === undefined, {
    expected: `an order whose handler threw to stay pending`,
    happened: `${lost} was acknowledged: nobody will handle it any more`,
    about: { entries: [lost ?? ''] },
  });
  await loop.end();
};
