import type { Check } from '../harness/grade-exercise.ts';
import type { Group } from '../harness/group.ts';
import { commandsWhileIdle } from '../harness/idle.ts';
import { sentAlone } from '../harness/one-by-one.ts';
import { asLine, type Recorded } from '../harness/recorder.ts';
import { eventually, expectThat } from '../harness/unmet.ts';
import { expectUntouched } from '../harness/untouched.ts';
import type { Worker } from '../harness/worker.ts';
import {
  add,
  type Carts,
  type CartTrial,
  cartOf,
  EVENTS,
  eventsOf,
  remove,
  Store,
  startProjector,
} from './store.ts';

const LEASE_MS = 300;
const LONG_LEASE_MS = 5000;
const MOST_ROUNDS = 150;
const ROUNDS_WITHOUT = 25;
const NAMES = ['alice', 'bob', 'carol'] as const;

export const project: Check<Carts> = async (trial) => {
  const store = new Store(trial);
  const users = ['anna', 'ben', 'carl'];
  await store.recordMany(users, 15);
  await store.recordAdditions(['Zoe'], 5);
  await store.recordOddEntries('odd');
  const alice = await trial.hire('alice');

  const loop = startProjector(alice, LONG_LEASE_MS);
  await store.cartsAreRight(' once a projector has started');
  await store.recordMany(users, 15);
  await store.cartsAreRight(' when more events come');
  await store.allAcknowledged();
  await goesOnWithoutItsPending(store);
  await loop.end();
  await store.cartsAreRightNow(' when it has stopped');
  await expectUntouched(trial, EVENTS, 'a cart cannot be rebuilt from a part of its events');
  await expectAppliedFirst(trial, 'Zoe');
  for (const userId of store.users) await expectConsumer(store.group(userId), 'alice');
};

/** Somebody else acknowledges the events, as soon as they are there. That XACK then answers 0 is no error. */
async function goesOnWithoutItsPending(store: Store): Promise<void> {
  const users = ['anna', 'ben'];
  for (let round = 0; round < ROUNDS_WITHOUT; round++) {
    const ids = await Promise.all(
      users.map(async (userId) => {
        const recorded = store.record(userId, add('tea', 1));
        return { userId, ids: await recorded };
      }),
    );
    for (let times = 0; times < 3; times++) {
      await Promise.all(ids.map((one) => store.group(one.userId).acknowledge(...one.ids)));
    }
  }
  await store.recordAdditions(users, 1);
  await store.cartsAreRight(
    ' when somebody else has acknowledged some events (XACK), before the projector could',
  );
  await store.allAcknowledged();
}

/** What is acknowledged before it is applied is lost when the projector dies between the two. */
async function expectAppliedFirst(trial: CartTrial, userId: string): Promise<void> {
  const commands = await trial.commands();
  const isOf = (key: string, pattern: RegExp, { args }: Recorded) =>
    pattern.test(args[0] ?? '') && args[1] === key;
  const applied = commands.findIndex((one) => isOf(cartOf(userId), /^h(set|mset|incrby)/i, one));
  const acknowledged = sentAlone(commands).find((one) => isOf(eventsOf(userId), /^xack$/i, one));
  const isFirst = acknowledged && commands.indexOf(acknowledged) < applied;
  expectThat(!isFirst, {
    expected: 'an event to be acknowledged when it has been applied, not before',
    happened: `${acknowledged && asLine(acknowledged)} came before any change of ${cartOf(userId)}: a crash between the two would lose it`,
  });
}

async function expectConsumer({ redis, stream, name }: Group, projector: string): Promise<void> {
  const reply: unknown = await redis.xinfo('CONSUMERS', stream, name);
  const consumers: unknown[][] = Array.isArray(reply) ? reply.filter(Array.isArray) : [];
  const other = consumers.map(([, consumer]) => String(consumer)).find((one) => one !== projector);
  expectThat(other === undefined, {
    expected: `the projector ${projector} to read as the consumer ${projector}`,
    happened: `${stream} has been read by ${other}`,
  });
}

export const newUsers: Check<Carts> = async (trial) => {
  const store = new Store(trial);
  await store.recordAdditions(['anna'], 3);
  const alice = await trial.hire('alice');

  const loop = startProjector(alice, LONG_LEASE_MS);
  await store.cartsAreRight(' once a projector has started');
  for (const newcomer of ['ben', 'carl', 'dora:with:colons']) {
    await store.record(newcomer, add('tea', 2), add('tea', 1));
    await store.cartsAreRight(`, also that of ${newcomer}, whose first event came just now`);
  }
  await store.allAcknowledged();
  await loop.end();
};

export const redelivered: Check<Carts> = async (trial) => {
  const store = new Store(trial);
  await store.record('anna', add('tea', 1), add('tea', 2), add('milk', 4));
  const first = await trial.hire('alice');
  const before = startProjector(first, LEASE_MS);
  await store.cartsAreRight(' once a projector has started');
  await store.allAcknowledged();
  await before.end();

  // As if a projector had applied these, and had died before their XACK.
  const group = store.group('anna');
  const ids = (await trial.redis.xrange(group.stream, '-', '+')).map(([id]) => id);
  await group.makeIdle('dead', ids);
  const second = await trial.hire('bob');
  const after = startProjector(second, LEASE_MS);
  await store.allAcknowledged();
  await store.record('anna', add('tea', 5));
  await store.allAcknowledged();
  await store.cartsAreRight(': events that are delivered again count once');
  await after.end();
};

export const stop: Check<Carts> = async (trial) => {
  const store = new Store(trial);
  const alice = await trial.hire('alice');
  await store.recordAdditions(['anna', 'ben'], 3);
  const loop = startProjector(alice, LONG_LEASE_MS);
  await store.cartsAreRight(' once a projector has started');
  await store.allAcknowledged();
  await waitsForEvents(trial, 'a projector without new events');
  await store.recordAdditions(['anna'], 1);
  await store.cartsAreRight(' when one more event comes');
  await store.allAcknowledged();
  await loop.stop();
  await trial.expectConnectionsClosed();

  await trial.redis.flushall();
  const withoutUsers = startProjector(alice, LONG_LEASE_MS);
  await waitsForEvents(trial, 'a projector without any users');
  await withoutUsers.stop();
  await trial.expectConnectionsClosed();
};

async function waitsForEvents(trial: CartTrial, who: string): Promise<void> {
  const { count, milliseconds, spins } = await commandsWhileIdle(trial);
  expectThat(!spins, {
    expected: `${who} to wait in Redis (BLOCK), or to pause between rounds`,
    happened: `it sent ${count} commands in ${milliseconds} ms`,
  });
}

export const share: Check<Carts> = async (trial) => {
  const store = new Store(trial);
  const workers = await trial.hireAll(...NAMES);
  const loops = workers.map((worker) => startProjector(worker, LONG_LEASE_MS));

  await everyoneTakesPart(trial, store);
  const users = [...store.users, ...Array.from({ length: 12 }, (_, index) => `user-${index}`)];
  for (let burst = 0; burst < 4; burst++) await store.recordMany(users, 5);
  await store.cartsAreRight(' by three projectors at once');
  await store.allAcknowledged();
  await Promise.all(loops.map((loop) => loop.end()));
  await store.cartsAreRightNow(' when all three have stopped');
};

/** New users come, and those who are there go on shopping, until every projector has done something for one of them. */
async function everyoneTakesPart(trial: CartTrial, store: Store): Promise<void> {
  // Who comes first has everybody for a moment. It counts what they do when all of them are there.
  await eventually(
    async () => {
      const commands = await trial.commands();
      return NAMES.every((name) => commands.some(({ worker }) => worker === name));
    },
    {
      expected: 'alice, bob and carol all to begin their work',
      happened: 'one of them has sent nothing to Redis, in some seconds',
    },
  );
  await store.recordMany(['first'], 3);
  await store.cartsAreRight(' when three projectors have begun');
  const before = (await trial.commands()).length;
  let count = 0;
  const active = async () => {
    const commands = (await trial.commands()).slice(before);
    return NAMES.filter((name) =>
      commands.some(({ worker, args }) => worker === name && isWorkOnACart(args)),
    );
  };
  let seen = 0;
  await eventually(
    async () => {
      seen = (await active()).length;
      if (seen === NAMES.length) return true;
      if (count < 40) await store.recordMany([`early-${++count}`, `soon-${count}`], 2);
      // Who looks for new users once in a while comes late, and has to find something to do all the same.
      else await store.recordMany(store.users.slice(0, 20), 1);
      return false;
    },
    {
      expected: 'alice, bob and carol all to work on the carts of some users',
      happened: async () => `only ${(await active()).join(' and ') || 'nobody'} did`,
    },
    () => seen + (count < 40 ? count : 0),
  );
}

/** A change to a cart, or an acknowledgement: not merely looking for work, nor asking for a lease. */
function isWorkOnACart(args: readonly string[]): boolean {
  const [command = '', ...rest] = args;
  if (!/^(xack|eval|evalsha|fcall|hincrby|hset|hdel)$/i.test(command)) return false;
  return rest.some((argument) => /^cart:(events|current):/.test(argument));
}

export const crash: Check<Carts> = async (trial) => {
  const store = new Store(trial);
  const users = Array.from({ length: 15 }, (_, index) => `user-${index}`);
  await store.recordMany(users, 2);
  // One who has died before had read the first half of these, and applied nothing.
  await store.record('left-behind', add('tea', 5), remove('tea', 3), add('milk', 2));
  await store.record('left-behind', remove('tea', 4), add('tea', 1), remove('milk', 1));
  const leftBehind = store.group('left-behind');
  await leftBehind.create();
  await leftBehind.makeIdle('dead', await leftBehind.leavePending('dead', 3));
  // And of somebody else more than fits on a page.
  await store.recordAdditions(['left-a-lot'], 140);
  const leftALot = store.group('left-a-lot');
  await leftALot.create();
  await leftALot.makeIdle('dead', await leftALot.leavePending('dead', 130));
  const [alice, bob, carol] = await trial.hireAll(...NAMES);
  startProjector(alice, LEASE_MS);
  await store.cartsAreRight(
    ' by the first projector, also where another has died with events in its hands',
  );
  const loops = [bob, carol].map((worker) => startProjector(worker, LEASE_MS));
  await store.recordMany(users, 2);
  await store.cartsAreRight(' by three projectors at once');

  await pauseInMidWork(alice, store, users);
  await alice.crash();
  await store.recordMany(users, 10);
  await store.cartsAreRight(' after alice was killed: bob and carol have to take over her users');
  await store.allAcknowledged();
  await Promise.all(loops.map((loop) => loop.end()));
  await store.cartsAreRightNow(' when the others have stopped');
};

export const zombie: Check<Carts> = async (trial) => {
  const store = new Store(trial);
  const users = Array.from({ length: 6 }, (_, index) => `user-${index}`);
  await store.recordMany(users, 2);
  const [alice, bob] = await trial.hireAll('alice', 'bob');
  const loops = [alice, bob].map((worker) => startProjector(worker, LEASE_MS));
  await store.cartsAreRight(' by two projectors');

  for (let round = 1; round <= 2; round++) {
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
    await store.recordMany(users, 3);
    await store.allAcknowledged();
    await store.cartsAreRight(
      ' after alice woke up, with a lease that was over and events in her hands',
    );
  }
  await Promise.all(loops.map((loop) => loop.end()));
  await store.cartsAreRightNow(' when both have stopped');
};

/** Stops a projector, while events pour in, at a moment when it holds some that it has not acknowledged. */
async function pauseInMidWork(
  worker: Worker<Carts>,
  store: Store,
  users: readonly string[],
): Promise<void> {
  let caught = false;
  const pouring = (async () => {
    for (let round = 0; round < MOST_ROUNDS && !caught; round++) await store.recordMany(users, 1);
    caught = true;
  })();
  // One that reads, applies and acknowledges in a single step is never caught: in the end it is paused all the same.
  while (!caught) {
    await worker.pause();
    const held = await Promise.all(users.map((userId) => store.isHeldBy(worker.name, userId)));
    if (held.includes(true)) caught = true;
    else if (!caught) await worker.resume();
  }
  await pouring;
}
