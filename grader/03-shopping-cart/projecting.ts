import type { Check } from '../harness/grade-exercise.ts';
import type { Group } from '../harness/group.ts';
import { sentAlone } from '../harness/one-by-one.ts';
import { asLine, type Recorded } from '../harness/recorder.ts';
import { expectThat } from '../harness/unmet.ts';
import { expectUntouched } from '../harness/untouched.ts';
import { recordOddEntries } from './odd-entries.ts';
import { within } from './patience.ts';
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

const NEW_WITHIN_MS = 2000;
const RECOVERY_LEASE_MS = 1000;
const LONG_LEASE_MS = 5000;
/** Who looks for new users once in a lease, or in a part of it, comes too late. */
const VERY_LONG_LEASE_MS = 60_000;
const NOISE = 6000;
const ROUNDS_WITHOUT = 25;

export const project: Check<Carts> = async (trial) => {
  const store = new Store(trial);
  const users = ['anna', 'ben', 'carl'];
  await store.recordMany(users, 15);
  await store.recordAdditions(['Zoe'], 5);
  await recordOddEntries(store, 'odd');
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
    about: { command: acknowledged },
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
  // Few users, and many keys of others: most pages of a SCAN are empty.
  const noise = Array.from({ length: NOISE }, (_, index) => [`noise:${index}`, '']);
  await trial.redis.mset(...noise.flat());
  const alice = await trial.hire('alice');

  const loop = startProjector(alice, VERY_LONG_LEASE_MS);
  await store.cartsAreRight(' once a projector has started');
  for (const newcomer of ['ben', 'carl', 'dora:with:colons']) {
    await store.record(newcomer, add('tea', 2), add('tea', 1));
    await within(NEW_WITHIN_MS, async () => (await store.wrongCart())?.words, {
      expected: `every cart to be what its events make of it, also that of ${newcomer}, whose first event came just now: within two seconds`,
    });
  }
  await store.allAcknowledged();
  await loop.end();
};

/** What was pending before a restart: of the dead, of somebody of this very name, applied or not, and trimmed away. */
export const redelivered: Check<Carts> = async (trial) => {
  const store = new Store(trial);
  await store.record('anna', add('tea', 1), add('tea', 2), add('milk', 4));
  await store.recordAdditions(['ben', 'dora'], 6);
  const first = await trial.hire('alice');
  const before = startProjector(first, RECOVERY_LEASE_MS);
  await store.cartsAreRight(' once a projector has started');
  await store.allAcknowledged();
  await before.end();

  // As if a projector had applied these, and had died before their XACK. Some of them were trimmed away since.
  const anna = store.group('anna');
  await anna.makeIdle('dead', await idsOf(anna));
  for (const [userId, name] of [
    ['ben', 'alice'],
    ['dora', 'dead'],
  ] as const) {
    const group = store.group(userId);
    await group.makeIdle(name, await idsOf(group));
    await trial.redis.xtrim(group.stream, 'MAXLEN', '=', 2);
  }
  // And of these she has read the first half, and applied nothing.
  await store.record('carl', add('tea', 5), remove('tea', 3), add('milk', 2));
  const carl = store.group('carl');
  await carl.create();
  await carl.leavePending('alice', 3);
  await store.record('carl', remove('tea', 1), add('tea', 1), remove('milk', 1));

  const second = await trial.hire('alice');
  // Who had more of these than fits on a page was alive a moment ago: they come before the rest all the same.
  await store.recordAdditions(['erik'], 140);
  const erik = store.group('erik');
  await erik.create();
  await erik.leavePending('dead', 130);
  const after = startProjector(second, RECOVERY_LEASE_MS);
  const annas = await idsOf(anna);
  await allDealtWith(store, 'when a projector starts again under its name');
  // It has just looked. How long does it take until it looks again?
  await anna.makeIdle('dead', annas);
  await allDealtWith(store, 'while a projector runs');
  await store.cartsAreRight(': events that are delivered again count once, and in order');
  await store.record('anna', add('tea', 5));
  await store.recordAdditions(['ben', 'carl'], 1);
  await store.allAcknowledged();
  await store.cartsAreRight(': events that are delivered again count once');
  await after.end();
};

async function idsOf({ redis, stream }: Group): Promise<string[]> {
  return (await redis.xrange(stream, '-', '+')).map(([id]) => id);
}

async function allDealtWith(store: Store, when: string): Promise<void> {
  const limit = 2 * RECOVERY_LEASE_MS + 1000;
  await within(limit, async () => (await store.firstOpen())?.words, {
    expected: `what somebody has left pending, of this name or another, to be dealt with and acknowledged ${when}, within twice leaseMs and a second (${limit} ms)`,
  });
}
