import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Group } from './group.ts';
import { Latch } from './handled.ts';
import { commandsWhileIdle } from './idle.ts';
import { eventually, expectThat } from './unmet.ts';
import { NEVER_IDLE_MS, type WorkQueue } from './work-queue.ts';
import type { Worker } from './worker.ts';

const NAMES = ['alice', 'bob', 'carol'] as const;
const WORK_MS = 4;
const SLOW_WORK_MS = 80;
const SHORT_IDLE_MS = 300;
const TAKEN_OVER_WITHIN_MS = 1000;
const FEW = 5;

/** What is done to the workers of a queue, and what is expected of them meanwhile. */
type Scenario = <Submission, Item>(queue: WorkQueue<Submission, Item>) => Promise<void>;

const work = () => sleep(WORK_MS);

/** Three workers at once: each gets its share, and everything is handled exactly once. */
export const sharesTheWork: Scenario = async (queue) => {
  const { trial, group, handled, what } = queue;
  const carols = new Latch();
  const theOthers = new Latch();
  const [alice, bob, carol] = await trial.hireAll(...NAMES);
  const start = (worker: typeof alice, latch: Latch) =>
    queue.start(worker, NEVER_IDLE_MS, () => latch.opened);
  const loops = [start(alice, theOthers), start(bob, theOthers)];

  // One entry at a time, until each worker has one in hand. Carol comes when the others are at work: what they have is not hers.
  const added = new Set<string>();
  while (handled.workers.length < NAMES.length && added.size < 20) {
    if (handled.workers.length === 2 && loops.length === 2) loops.push(start(carol, carols));
    const before = handled.calls.length;
    for (const id of (await queue.add(1)).keys()) added.add(id);
    await eventually(() => handled.calls.length > before, {
      expected: `a new ${what} to reach a worker that is free`,
      happened: () => `${handled.workers.join(' and ') || 'nobody'} took one, and nobody the next`,
    });
  }
  const consumers = [...new Set((await group.pending()).map(({ consumer }) => consumer))].sort();
  expectThat(isDeepStrictEqual(handled.workers, NAMES) && isDeepStrictEqual(consumers, NAMES), {
    expected: `alice, bob and carol to hold one ${what} each, as consumers of these names`,
    happened: `the handlers of ${handled.workers.join(', ')} are at work, and what is pending is held by ${consumers.join(', ') || 'nobody'}`,
    about: { entries: [...added] },
  });

  // Carol goes on, while the other two are still busy with what they have in their hands.
  carols.open();
  for (let count = 0; count < 25; count++) {
    const [id = ''] = (await queue.add(1)).keys();
    added.add(id);
    await handled.include([id]);
  }
  const robbed = [...added].find((id) => handled.times(id) > 1);
  expectThat(robbed === undefined, {
    expected: `a ${what} that a worker is busy with to stay with it`,
    happened: `${robbed} was handled by ${handled
      .of(robbed ?? '')
      .map(({ worker }) => worker)
      .join(' and ')}`,
    about: { entries: robbed ? [robbed] : [] },
  });
  theOthers.open();

  for (let batch = 0; batch < 3; batch++) {
    for (const id of (await queue.add(100)).keys()) added.add(id);
    await handled.include(added);
  }
  await group.allAcknowledged();
  const twice = [...added].filter((id) => handled.times(id) > 1);
  expectThat(twice.length === 0, {
    expected: `each ${what} to be handled once: all workers are alive`,
    happened: `${twice.length} of ${added.size} were handled more than once, for example ${twice[0]}`,
    about: { entries: twice.slice(0, 1) },
  });
  await Promise.all(loops.map((loop) => loop.end()));
};

/** One of three workers is killed in the middle of a handler; the others are busy all the time. */
export const survivesACrash: Scenario = async (queue) => {
  const { trial, group, handled, what } = queue;
  const added = new Map(await queue.add(200));
  const [alice, bob, carol] = await trial.hireAll(...NAMES);

  let aliceHas = 0;
  queue.start(alice, SHORT_IDLE_MS, () => (++aliceHas < 20 ? work() : new Promise(() => {})));
  await eventually(() => aliceHas >= 20, {
    expected: `alice to work on what is there`,
    happened: () => `she was given ${aliceHas} of the first 20`,
  });
  const loops = [bob, carol].map((worker) => queue.start(worker, SHORT_IDLE_MS, work));
  await alice.crash();
  const left = (await group.pending()).filter(({ consumer }) => consumer === 'alice');
  const byOthers = (id: string) => handled.of(id).some(({ worker }) => worker !== 'alice');
  const abandoned = () => left.filter(({ id }) => !byOthers(id));

  // New entries keep coming, so that nobody is ever idle, until what alice had is taken over.
  await eventually(
    async () => {
      if (handled.calls.length + 60 > added.size) {
        for (const [id, item] of await queue.add(40)) added.set(id, item);
      }
      return abandoned().length === 0;
    },
    {
      expected: `what alice held when she was killed (${left.length}) to be taken over by bob or carol, who are alive and busy`,
      happened: () => {
        const [first, ...more] = abandoned();
        return `${first?.id} still waits${more.length > 0 ? `, and ${more.length} more` : ''}`;
      },
      about: () => ({ entries: abandoned().map(({ id }) => id) }),
    },
  );
  await handled.complete(added.keys());
  await group.allAcknowledged();
  const ids = [...added.keys()].slice(0, 5);
  await group.makeIdle('dave', ids);
  await eventually(async () => (await group.pendingCount()) === 0, {
    expected: `what a dead worker has left to be taken over also when no new ${what} comes in`,
    happened: async () => `${await group.pendingCount()} of ${ids.length} are still pending`,
    about: async () => ({ entries: await group.pendingIds() }),
  });
  const garbled = handled.calls.find(({ id, item }) => !isDeepStrictEqual(item, added.get(id)));
  expectThat(garbled === undefined, {
    expected: `every handler to be given the ${what} as it was sent`,
    happened: `for ${garbled?.id} it was given ${JSON.stringify(garbled?.item)}`,
    about: { entries: garbled ? [garbled.id] : [] },
  });
  await Promise.all(loops.map((loop) => loop.end()));
};

/** An idle worker waits in Redis, and both an idle and a busy one stop as they should. */
export const waitsAndStops: Scenario = async (queue) => {
  const { trial, group, handled, what } = queue;
  const [alice, bob] = await trial.hireAll('alice', 'bob');

  const idle = queue.start(alice, NEVER_IDLE_MS);
  await handlesOneMore(queue);
  const { count, milliseconds, spins } = await commandsWhileIdle(trial);
  expectThat(!spins, {
    expected: `a worker without a new ${what} to wait in Redis (BLOCK), or to pause between reads`,
    happened: `it sent ${count} commands in ${milliseconds} ms`,
  });
  // Woken once more, so that it has only just begun to wait when it is told to stop.
  await handlesOneMore(queue);
  await idle.stop();
  await trial.expectConnectionsClosed();

  // In the same process once more, and told to stop at once: before it has come to anything.
  const again = queue.start(alice, NEVER_IDLE_MS);
  await handlesOneMore(queue);
  await again.stop();
  await queue.start(alice, NEVER_IDLE_MS).stop();
  await trial.expectConnectionsClosed();

  // More than a worker could get done in a second: it has to stop in the middle of it.
  const inHand = new Latch();
  const ids = [...(await queue.add(60)).keys()];
  const [first = ''] = ids;
  await stopsInMidWork(queue, bob, NEVER_IDLE_MS, inHand, () => handled.include([first]));
  const finished = handled.of(first).some(({ done }) => done);
  expectThat(finished && !(await group.pendingIds()).includes(first), {
    expected: `the ${what} in hand to be finished and acknowledged before the worker returns`,
    happened: finished ? `${first} is still pending` : `the handler of ${first} was still running`,
    about: { entries: [first], workers: [bob.name] },
  });
  // All that nobody was given by now is given to somebody who is dead.
  await queue.add(FEW);
  const left = await group.leavePending('dead', ids.length + FEW);
  const pendingIds = await group.pendingIds();
  const lost = ids.find(
    (id) => !pendingIds.includes(id) && !handled.of(id).some(({ done }) => done),
  );
  expectThat(lost === undefined, {
    expected: `every ${what} that the worker did not come to any more to be left for others`,
    happened: `${lost} was acknowledged, and never handled`,
    about: { entries: lost ? [lost] : [] },
  });
  await group.makeIdle('dead', left.slice(-FEW));
  await isDoneWhenItReturns(queue, bob);
};

const handlesOneMore: Scenario = async ({ add, handled, group }) => {
  await handled.include((await add(1)).keys());
  await group.allAcknowledged();
};

/** Stops a worker while it takes something over, if it does so by now: that is judged elsewhere. */
async function isDoneWhenItReturns<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  worker: Worker<Submission>,
): Promise<void> {
  const { trial, handled } = queue;
  const before = handled.calls.length;
  const deadline = performance.now() + TAKEN_OVER_WITHIN_MS;
  const taking = async () => {
    while (handled.calls.length === before && performance.now() < deadline) await sleep(WORK_MS);
  };
  await stopsInMidWork(queue, worker, SHORT_IDLE_MS, new Latch(), taking);
  const { count, milliseconds } = await commandsWhileIdle(trial);
  expectThat(count === 0, {
    expected: 'a worker that has returned to be done: no timer of its own, no loop that goes on',
    happened: `it sent ${count} commands in the ${milliseconds} ms after it returned`,
  });
}

/** Stops a worker that has something in its hands. */
async function stopsInMidWork<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  worker: Worker<Submission>,
  minIdleMs: number,
  inHand: Latch,
  hasBegun: () => Promise<unknown>,
): Promise<void> {
  const busy = queue.start(worker, minIdleMs, async () => {
    await inHand.opened;
    await sleep(SLOW_WORK_MS);
  });
  await hasBegun();
  const stopped = busy.stop();
  stopped.catch(() => {});
  await worker.answers();
  inHand.open();
  await stopped;
}

/** While a handler runs, its entry is pending; one that failed stays so, and the worker goes on. */
export const acknowledgesAfterwards: Scenario = async (queue) => {
  const { trial, group, handled, what } = queue;
  const alice = await trial.hire('alice');
  const held = new Latch();
  let failing = '';
  const [first = ''] = (await queue.add(1)).keys();
  const loop = queue.start(alice, NEVER_IDLE_MS, async (id) => {
    if (id === first) await held.opened;
    failing ||= id === first ? '' : id;
    if (id === failing) throw new Error('out of order (this error is a part of the check)');
  });

  await handled.include([first]);
  const inHand = await group.pending();
  expectThat(isDeepStrictEqual(inHand, [{ id: first, consumer: 'alice' }]), {
    expected: `${what} ${first} to be pending, held by alice, while its handler runs`,
    happened:
      inHand.map(({ id, consumer }) => `${id} is held by ${consumer}`).join(', ') ||
      'nothing is pending: a crash would lose it now',
    about: { entries: [first] },
  });
  held.open();
  await group.allAcknowledged();

  const added = [...(await queue.add(8)).keys()];
  await handled.include(added);
  await eventually(async () => isDeepStrictEqual(await group.pendingIds(), [failing]), {
    expected: `${what} ${failing}, whose handler threw, to stay pending, and the others to be acknowledged`,
    happened: async () => `pending: ${(await group.pendingIds()).join(', ') || 'none'}`,
    about: async () => ({ entries: await wronglyPending(group, failing) }),
  });
  await handled.include((await queue.add(1)).keys());
  await loop.end();
  const left = await group.pendingIds();
  expectThat(isDeepStrictEqual(left, [failing]), {
    expected: `${what} ${failing} to be pending still when the worker has stopped: it was never handled`,
    happened: `pending: ${left.join(', ') || 'none'}`,
    about: { entries: [failing] },
  });
};

/** What should be acknowledged and is not; or else the one that should be pending. */
async function wronglyPending(group: Group, failing: string): Promise<string[]> {
  const wrong = (await group.pendingIds()).filter((id) => id !== failing);
  return wrong.length > 0 ? wrong : [failing];
}
