import { setTimeout as sleep } from 'node:timers/promises';
import type { Check } from '../harness/grade-exercise.ts';
import type { Group } from '../harness/group.ts';
import { eventually } from '../harness/unmet.ts';
import type { Worker } from '../harness/worker.ts';
import { within } from './patience.ts';
import { stepByStep } from './stepping.ts';
import { add, type Carts, remove, Store, startProjector } from './store.ts';

const LEASE_MS = 300;
const MOST_STEPS = 30;
/** What PTTL says of a key that is there for good. */
const NO_END = -1;
const CRASH_LEASE_MS = 800;
const MOST_ROUNDS = 10;
const FEW_ROUNDS = 2;
const EVENTS_AT_ONCE = 4;
/** Where nobody was ever caught with events in its hands, in many tries. */
const neverCaught = new WeakSet<Store>();
const MOST_LOOKS_FOR_WORK = 3;
const ZOMBIE_ROUNDS = 3;
/** How long the server holds writes back at most, how often they are let through, and for how long. */
const HOLD_MS = 2000;
const MOST_LOOKS = 300;
const LOOK_MS = 1;

export const crash: Check<Carts> = async (trial) => {
  const store = new Store(trial);
  const users = Array.from({ length: 15 }, (_, index) => `user-${index}`);
  await store.recordMany(users, 2);
  // One who has died before had read the first half of these, and applied nothing.
  await store.record('left-behind', add('tea', 5), remove('tea', 3), add('milk', 2));
  await store.record('left-behind', remove('tea', 4), add('tea', 1), remove('milk', 1));
  await isLeftByTwo(store);
  const leftBehind = store.group('left-behind');
  await leftBehind.create();
  await leftBehind.makeIdle('dead', await leftBehind.leavePending('dead', 3));
  // And of somebody else more than fits on a page.
  await store.recordAdditions(['left-a-lot'], 140);
  const leftALot = store.group('left-a-lot');
  await leftALot.create();
  await leftALot.makeIdle('dead', await leftALot.leavePending('dead', 130));
  const [erin, dave, alice, bob, carol] = await trial.hireAll(
    'erin',
    'dave',
    'alice',
    'bob',
    'carol',
  );
  await isKilledAtTheFirstTrace(store, erin);
  await isKilledWhileTakingOver(store, dave, [leftBehind, leftALot]);
  const loops = [alice, bob, carol].map((worker) => startProjector(worker, CRASH_LEASE_MS));
  await takenOver(
    store,
    'after dave was killed while he took over what another dead projector had left',
  );
  await store.recordMany(users, 2);
  await store.cartsAreRight(' by three projectors at once');

  await pauseInMidWork(alice, store, users);
  await alice.crash();
  await store.recordMany(users, 10);
  await takenOver(store, 'after alice was killed');
  await Promise.all(loops.slice(1).map((loop) => loop.end()));
  await store.cartsAreRightNow(' when the others have stopped');
};

async function takenOver(store: Store, when: string): Promise<void> {
  const limit = 2 * CRASH_LEASE_MS + 1000;
  const open = async () => ((await store.wrongCart()) ?? (await store.firstOpen()))?.words;
  await within(limit, open, {
    expected: `every cart to be right, and every event to be acknowledged, within twice leaseMs and a second (${limit} ms) ${when}: others have to take over the users, and what is pending first`,
  });
}

/** Two have died with the events of one user in their hands, in turn: what counts is the order of the events, and not who had them. */
async function isLeftByTwo(store: Store): Promise<void> {
  const events = [add('tea', 5), remove('tea', 3), add('milk', 2), remove('tea', 9), add('tea', 1)];
  await store.record('left-by-two', ...events);
  const group = store.group('left-by-two');
  await group.create();
  for (const [index] of events.entries()) {
    const consumer = index % 2 === 0 ? 'zoe' : 'adam';
    await group.makeIdle(consumer, await group.leavePending(consumer, 1));
  }
}

/** SIGKILL as soon as there is a key of its own without an end: what it meant to say about it next, it never says. */
async function isKilledAtTheFirstTrace({ trial }: Store, worker: Worker<Carts>): Promise<void> {
  const { redis } = trial;
  const lasting = async () => {
    const own = (await redis.keys('*')).filter((key) => !/^cart:(events:|dead$)/.test(key));
    const ends = await Promise.all(own.map((key) => redis.pttl(key)));
    return ends.some((end) => end === NO_END);
  };
  const untilItIsKilled = async () => {
    startProjector(worker, CRASH_LEASE_MS);
    await new Promise(() => {});
  };
  await stepByStep(trial, worker, MOST_STEPS, untilItIsKilled, async (step) => {
    if (step === MOST_STEPS || (await lasting())) await worker.crash();
  });
}

/** SIGKILL in the middle of a take-over: its writes are let through bit by bit until the first has had an effect. */
async function isKilledWhileTakingOver(
  { trial: { redis } }: Store,
  worker: Worker<Carts>,
  groups: readonly Group[],
): Promise<void> {
  const heldByTheDead = async () => {
    const pending = await Promise.all(groups.map((group) => group.pending()));
    return pending.flat().filter(({ consumer }) => consumer === 'dead').length;
  };
  const before = await heldByTheDead();
  startProjector(worker, CRASH_LEASE_MS);
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    await redis.call('CLIENT', 'PAUSE', HOLD_MS, 'WRITE');
    if ((await heldByTheDead()) < before) break;
    await redis.call('CLIENT', 'UNPAUSE');
    await sleep(LOOK_MS);
  }
  await worker.crash();
  await redis.call('CLIENT', 'UNPAUSE');
}

export const zombie: Check<Carts> = async (trial) => {
  const store = new Store(trial);
  const users = Array.from({ length: 6 }, (_, index) => `user-${index}`);
  await store.recordMany(users, 2);
  const [alice, bob] = await trial.hireAll('alice', 'bob');
  const loops = [alice, bob].map((worker) => startProjector(worker, LEASE_MS));
  await store.cartsAreRight(' by two projectors');

  for (let round = 1; round <= ZOMBIE_ROUNDS; round++) {
    await pauseInMidWork(alice, store, users);
    await store.recordMany(users, 4);
    await store.cartsAreRight(
      ' while alice is paused: bob has to take over when her lease is over',
    );
    await store.allAcknowledged();
    const before = (await trial.commands()).length;
    await alice.resume();
    await store.recordMany(users, 1);
    await eventually(
      async () => (await trial.commands()).slice(before).some(({ worker }) => worker === 'alice'),
      { expected: 'alice to go on when she wakes up', happened: 'she sent nothing to Redis' },
    );
    // If two of them believe now that a user is theirs, each gets a part of the events, and this shows it.
    await pauseInMidWork(alice, store, users);
    await store.recordMany(users, 2);
    await alice.resume();
    await store.recordMany(users, 3);
    await store.allAcknowledged();
    await store.cartsAreRight(
      ' after alice woke up, with a lease that was over and events in her hands',
    );
  }
  await Promise.all(loops.map((loop) => loop.end()));
  await store.cartsAreRightNow(' when both have stopped');
};

/**
 * Stops a projector (SIGSTOP), while events pour in, at a moment when it holds some that it has not acknowledged. The server holds
 * writes back meanwhile: whoever applies what it has read waits with the next write, and has the rest in its hands.
 */
async function pauseInMidWork(
  worker: Worker<Carts>,
  store: Store,
  users: readonly string[],
): Promise<void> {
  const { redis } = store.trial;
  // The write that waits goes through all the same: some more have to be in its hands.
  const isCaught = async (enough: number) => {
    const held = await Promise.all(users.map((userId) => store.heldBy(worker.name, userId)));
    return held.some((count) => count >= enough);
  };
  // One that reads, applies and acknowledges in a single step is never caught: in the end it is paused all the same.
  const most = neverCaught.has(store) ? FEW_ROUNDS : MOST_ROUNDS;
  for (let round = 1; round <= most; round++) {
    const enough = round < most / 2 ? EVENTS_AT_ONCE - 1 : 1;
    await store.recordMany(users, EVENTS_AT_ONCE);
    await redis.call('CLIENT', 'PAUSE', HOLD_MS, 'WRITE');
    for (let looks = 0; looks < MOST_LOOKS_FOR_WORK && !(await isCaught(enough)); looks++) {
      await sleep(LOOK_MS);
    }
    const caught = await isCaught(enough);
    if (caught || round === most) await worker.pause();
    await redis.call('CLIENT', 'UNPAUSE');
    if (caught) return;
    if (round === MOST_ROUNDS) neverCaught.add(store);
  }
}
