import { setTimeout as sleep } from 'node:timers/promises';
import { contains } from '../entries.ts';
import { within } from '../fair-clock.ts';
import { Latch } from '../handled.ts';
import { eventually, expectThat } from '../unmet.ts';
import { an, type WorkQueue } from '../work-queue.ts';
import type { Worker } from '../worker.ts';
import { NAMES, type Scenario, SHORT_IDLE_MS } from './scenario.ts';

const WORK_MS = 4;
const LEFT = 40;
const FRESH = 210;
/** So long that nobody looks dead on a busy machine. What was left is older by far, and taken over at once. */
const FRESH_FOR_MS = 3000;
const ABANDONED = 5;
const SILENT_IDLE_MS = 40;
/** What is left behind while nothing else happens. */
const LOOKS = 15;
const LOOKED_FOR_WITHIN_MS = 1000;
const SILENT_FOR_MS = 12 * SILENT_IDLE_MS;
/** What holds nothing for good is over by then: locks and leases of whoever was killed as well. */
const TAKEN_OVER_WITHIN_MS = 2 * SHORT_IDLE_MS + 700;

const work = () => sleep(WORK_MS);

/** One of three workers is killed in the middle of a handler; the others are busy all the time. */
export const survivesACrash: Scenario = async (queue) => {
  const { trial, group, handled, what } = queue;
  await queue.add(ABANDONED + LOOKS);
  const ofGhost = await group.leavePending('ghost', ABANDONED);
  const later = await group.leavePending('ghost', LOOKS);
  await group.acknowledge(...later);
  const silentSince = performance.now();
  const [alice, bob, carol] = await trial.hireAll(...NAMES);
  await sleep(Math.max(0, SILENT_FOR_MS - (performance.now() - silentSince)));
  await findsWhatTheSilentHold(queue, carol, ofGhost, later);
  await takesOverOnce(queue, [bob, carol]);
  const added = new Map(await queue.add(120));

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
  const garbled = handled.calls.find(
    ({ id, item }) => added.has(id) && !contains(item, Object(added.get(id))),
  );
  expectThat(garbled === undefined, {
    expected: `every handler to be given the ${what} as it was sent`,
    happened: `for ${garbled?.id} it was given ${JSON.stringify(garbled?.item)}`,
    about: { entries: garbled ? [garbled.id] : [] },
  });
  await Promise.all(loops.map((loop) => loop.end()));
  await survivesASecondCrash(queue, bob, carol);
};

/** A consumer has been silent for many times minIdleMs. That it is gone does not mean that what it holds is. */
async function findsWhatTheSilentHold<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  worker: Worker<Submission>,
  ids: readonly string[],
  later: readonly string[],
): Promise<void> {
  const { group, handled, what } = queue;
  const loop = queue.start(worker, SILENT_IDLE_MS);
  const open = () => ids.filter((id) => !handled.of(id).some(({ done }) => done));
  await eventually(() => open().length === 0, {
    expected: `every ${what} of a consumer that has been silent for ${SILENT_FOR_MS / SILENT_IDLE_MS} times minIdleMs to be taken over`,
    happened: async () =>
      `${open().length} of ${ids.length} never reached a handler, and ${(await group.pendingIds()).filter((id) => open().includes(id)).length} of them are pending still. XGROUP DELCONSUMER takes what a consumer holds off the list`,
    about: () => ({ entries: open() }),
  });
  // No news comes meanwhile: nothing but its own clock wakes it.
  for (const id of later) {
    await group.makeIdle('ghost', [id]);
    await within(worker, LOOKED_FOR_WITHIN_MS, () => handled.times(id) > 0, {
      expected: `the worker to look for what was left behind at least every minIdleMs, again and again, also when no new ${what} comes in`,
      happened: `with a minIdleMs of ${SILENT_IDLE_MS}, ${id} was not taken over within ${LOOKED_FOR_WITHIN_MS} ms. Does the worker wait without an end (BLOCK 0)?`,
      about: { entries: [id] },
    });
  }
  await loop.end();
}

/** Many were left, and several reach for them at once: each goes to one of them. And what somebody keeps fresh stays with them. */
async function takesOverOnce<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  workers: readonly Worker<Submission>[],
): Promise<void> {
  const { group, handled, what } = queue;
  await queue.add(FRESH);
  const fresh = await group.leavePending('zoe', FRESH);
  const keepFresh = () => group.makeIdle('zoe', fresh, { idleMs: 0 });
  await queue.add(LEFT);
  const left = await group.leavePending('dead', LEFT);
  await group.makeIdle('dead', left);

  const loops = workers.map((worker) => queue.start(worker, FRESH_FOR_MS, work));
  const taken = () => left.filter((id) => handled.times(id) > 0).length;
  let refreshed = performance.now();
  await eventually(
    async () => {
      if (performance.now() - refreshed > FRESH_FOR_MS / 5) {
        refreshed = performance.now();
        await keepFresh();
      }
      return taken() === left.length && (await group.pendingCount()) === fresh.length;
    },
    {
      expected: `all ${LEFT} that a dead worker has left to be taken over, although a living one holds ${FRESH} older ones, which it keeps fresh`,
      happened: () => `${taken()} of ${LEFT} reached a handler`,
      about: () => ({ entries: left.filter((id) => handled.times(id) === 0) }),
    },
    taken,
  );
  await Promise.all(loops.map((loop) => loop.end()));
  const robbed = fresh.find((id) => handled.times(id) > 0);
  expectThat(robbed === undefined, {
    expected: `${an(what)} that somebody has touched within minIdleMs to be left alone`,
    happened: `${robbed} was handled, and zoe was at work on it`,
    about: { entries: robbed ? [robbed] : [] },
  });
  const twice = left.filter((id) => handled.times(id) > 1);
  expectThat(twice.length === 0, {
    expected: `each ${what} that a dead worker has left to be taken over by one of the living`,
    happened: `${twice.length} of ${LEFT} were handled more than once, for example ${twice[0]}, by ${handled
      .of(twice[0] ?? '')
      .map(({ worker }) => worker)
      .join(' and ')}`,
    about: { entries: twice.slice(0, 1) },
  });
  await group.acknowledge(...fresh);
}

/** One takes over what another has left, and is killed in the middle of that: a third has to come to all of it. */
async function survivesASecondCrash<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  second: Worker<Submission>,
  third: Worker<Submission>,
): Promise<void> {
  const { group, handled, what } = queue;
  await queue.add(ABANDONED);
  const left = await group.leavePending('dead', ABANDONED);
  await group.makeIdle('dead', left);
  const never = new Latch();
  queue.start(second, SHORT_IDLE_MS, () => never.opened);
  const begun = () => left.some((id) => handled.times(id) > 0);
  await eventually(begun, {
    expected: `what a dead worker has left to be taken over by ${second.name}`,
    happened: 'none of it reached a handler',
    about: { entries: left },
  });
  await second.crash();
  const before = handled.calls.length;

  const loop = queue.start(third, SHORT_IDLE_MS, work);
  const doneSince = (id: string) =>
    handled.calls.slice(before).some((call) => call.id === id && call.done);
  const open = () => left.filter((id) => !doneSince(id));
  await within(third, TAKEN_OVER_WITHIN_MS, () => open().length === 0, {
    expected: `all ${ABANDONED} to be taken over by ${third.name} when ${second.name}, who was taking them over, is killed in the middle of it`,
    happened: () =>
      `${open().length} of ${ABANDONED} still wait, perhaps for a lock or a lease that never ends`,
    about: () => ({ entries: open() }),
  });
  await group.allAcknowledged();
  const length = await group.redis.xlen(group.stream);
  expectThat(length === queue.added(), {
    expected: `the stream to stay as it is: workers neither trim nor delete. Every ${what} is there still`,
    happened: `${queue.added()} were added, and ${length} are left`,
  });
  await loop.end();
}
