import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { whilePassing } from '../fair-clock.ts';
import { Freshness } from '../freshness.ts';
import { Latch } from '../handled.ts';
import { eventually, expectThat } from '../unmet.ts';
import { an, NEVER_IDLE_MS, type WorkQueue } from '../work-queue.ts';
import type { Worker } from '../worker.ts';
import { NAMES, type Scenario } from './scenario.ts';

const BACKLOG = 60;
const SLOW_BACKLOG = 44;
const SLOW_WORK_MS = 15;
const MOST_AT_A_TIME = 10;
const RENEWED_WITHIN_MS = 240;
const STOLEN_FOR_MS = 1.3 * RENEWED_WITHIN_MS;

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
  for (let count = 0; count < 12; count++) {
    const [id = ''] = (await queue.add(1)).keys();
    added.add(id);
    await handled.include([id]);
  }
  const robbed = [...added].find((id) => handled.times(id) > 1);
  expectThat(robbed === undefined, {
    expected: `${an(what)} that a worker is busy with to stay with it`,
    happened: `${robbed} was handled by ${handled
      .of(robbed ?? '')
      .map(({ worker }) => worker)
      .join(' and ')}`,
    about: { entries: robbed ? [robbed] : [] },
  });
  theOthers.open();

  for (const id of (await queue.add(100)).keys()) added.add(id);
  await handled.include(added);
  await group.allAcknowledged();
  expectOnce(queue, added, 'all workers are alive');
  await Promise.all(loops.map((loop) => loop.end()));

  // The same three once more, all in the same instant, and with a lot to do already.
  const waiting = [...(await queue.add(BACKLOG)).keys()];
  const again = [alice, bob, carol].map((worker) => queue.start(worker, NEVER_IDLE_MS));
  await handled.include(waiting);
  await group.allAcknowledged();
  expectOnce(queue, waiting, 'all three began in the same instant');
  await Promise.all(again.map((loop) => loop.end()));
  await keepsOffWhatWasTakenOver(queue, alice);
  await takesNoMoreThanItCanBear(queue, [bob, carol]);
};

/**
 * Handlers take a while, and what is taken and waits for them gets older: too much of it, and another worker finds it left behind.
 */
async function takesNoMoreThanItCanBear<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  workers: readonly Worker<Submission>[],
): Promise<void> {
  const { group, handled, what } = queue;
  const ids = [...(await queue.add(SLOW_BACKLOG)).keys()];
  const loops = workers.map((worker) =>
    queue.start(worker, 20 * SLOW_WORK_MS, () => sleep(SLOW_WORK_MS)),
  );
  let most = 0;
  const done = () => ids.filter((id) => handled.of(id).some((call) => call.done)).length;
  await eventually(
    async () => {
      const holders = (await group.pending()).map(({ consumer }) => consumer);
      for (const name of holders)
        most = Math.max(most, holders.filter((one) => one === name).length);
      return done() === ids.length;
    },
    {
      expected: `all ${SLOW_BACKLOG} to be handled, each of which takes ${SLOW_WORK_MS} ms`,
      happened: () => `${done()} were`,
    },
    done,
  );
  await Promise.all(loops.map((loop) => loop.end()));
  const twice = ids.filter((id) => handled.times(id) > 1);
  // On a busy machine, ten may wait for too long as well.
  expectThat(twice.length === 0 || most <= MOST_AT_A_TIME, {
    expected: `each ${what} to be handled once: what is taken and waits for its handler must not wait for so long that another worker takes it over`,
    happened: `one worker held ${most} at a time, and ${twice.length} were handled more than once, for example ${twice[0]}`,
    about: { entries: twice.slice(0, 1) },
  });
}

function expectOnce<Submission, Item>(
  { handled, what }: WorkQueue<Submission, Item>,
  ids: Iterable<string>,
  because: string,
): void {
  const all = [...ids];
  const twice = all.filter((id) => handled.times(id) > 1);
  expectThat(twice.length === 0, {
    expected: `each ${what} to be handled once: ${because}`,
    happened: `${twice.length} of ${all.length} were handled more than once, for example ${twice[0]}`,
    about: { entries: twice.slice(0, 1) },
  });
}

/** While a handler runs, somebody else takes the entry over: who renews a hold must see that it is not theirs any more. */
async function keepsOffWhatWasTakenOver<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  worker: Worker<Submission>,
): Promise<void> {
  const { group, handled, what } = queue;
  const inHand = new Latch();
  const loop = queue.start(worker, RENEWED_WITHIN_MS, () => inHand.opened);
  const [id = ''] = (await queue.add(1)).keys();
  await handled.include([id]);
  // Mallory is at work on it, and keeps it fresh. On a machine that is too busy for that, nobody is to blame for taking it.
  const fresh = new Freshness(0.7 * RENEWED_WITHIN_MS);
  const keepFresh = () =>
    fresh.keep(() => group.makeIdle('mallory', [id], { idleMs: 0, deliveries: 2 }));
  await keepFresh();
  await whilePassing(worker, STOLEN_FOR_MS, async () => {
    const entry = await group.pendingEntry(id);
    expectThat(entry?.consumer === 'mallory' || fresh.lapsed, {
      expected: `${an(what)} that another worker has taken over to be left to it, also by the one whose handler still runs`,
      happened: `mallory had taken ${id} over and was at work on it; ${entry ? `${entry.consumer} took it back` : 'it was acknowledged'}`,
      about: { entries: [id] },
    });
    await keepFresh();
  });
  inHand.open();
  await loop.end();
}
