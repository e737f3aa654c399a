import { setTimeout as sleep } from 'node:timers/promises';
import type { Check } from '../harness/grade-exercise.ts';
import { holdingWrites } from '../harness/hold-writes.ts';
import { eventually, expectThat } from '../harness/unmet.ts';
import type { Worker } from '../harness/worker.ts';
import { type Carts, type CartTrial, Store, startProjector } from './store.ts';

const LONG_LEASE_MS = 3500;
/** What somebody has left pending may wait for twice as long, and a second. */
const SHORT_LEASE_MS = 1200;
const NAMES = ['alice', 'bob', 'carol'] as const;
const ROUNDS_AT_REST = 6;
/** The shortest pause between two of those rounds, and the longest. */
const REST_MS = [5, 45] as const;
const SILENT_MS = 2100;
const AT_ONCE_MS = 300;

export const share: Check<Carts> = async (trial) => {
  const workers = await trial.hireAll(...NAMES);
  for (const count of [130, 40]) {
    await startTogether(trial, workers, count);
    await trial.redis.flushall();
  }
  await sharesWithLatecomers(trial, workers);
  await trial.redis.flushall();

  const store = new Store(trial);
  const loops = workers.map((worker) => startProjector(worker, LONG_LEASE_MS));
  await everyoneTakesPart(trial, store);
  const users = [...store.users, ...Array.from({ length: 12 }, (_, index) => `user-${index}`)];
  for (let burst = 0; burst < 4; burst++) await store.recordMany(users, 5);
  await store.cartsAreRight(' by three projectors at once');
  await store.allAcknowledged();
  await keepItsUsers(trial, store, workers);
  await Promise.all(loops.map((loop) => loop.end()));
  await store.cartsAreRightNow(' when all three have stopped');
};

/** Three begin in the same instant: their first writes are held back until all of them wait for one. */
async function startTogether(
  trial: CartTrial,
  workers: readonly Worker<Carts>[],
  count: number,
): Promise<void> {
  const store = new Store(trial);
  await store.recordMany(['anna', 'ben', 'carl'], count);
  const loops = await holdingWrites(trial, workers.length, () =>
    workers.map((worker) => startProjector(worker, SHORT_LEASE_MS)),
  );
  await store.cartsAreRight(
    ' by three projectors that have started in the same instant: between a look at who has a user and taking it, another may come',
  );
  await Promise.all(loops.map((loop) => loop.end()));
}

/** One was there first, and has all users. The others come later, and get their part of them. */
async function sharesWithLatecomers(
  trial: CartTrial,
  workers: readonly Worker<Carts>[],
): Promise<void> {
  const store = new Store(trial);
  const users = Array.from({ length: 12 }, (_, index) => `early-${index}`);
  await store.recordAdditions(users, 1);
  const [first, ...later] = workers;
  if (!first) return;
  const loops = [startProjector(first, SHORT_LEASE_MS)];
  await store.cartsAreRight(' by the first projector');
  const before = (await trial.commands()).length;
  loops.push(...later.map((worker) => startProjector(worker, SHORT_LEASE_MS)));
  const active = async () => {
    const commands = (await trial.commands()).slice(before);
    return NAMES.filter((name) =>
      commands.some(({ worker, args }) => worker === name && isWorkOnACart(args)),
    );
  };
  await eventually(
    async () => {
      await store.recordAdditions(users, 1);
      return (await active()).length === NAMES.length;
    },
    {
      expected:
        'each projector to get some of the users, also when another one was there first and has them all',
      happened: async () => `${(await active()).join(' and ')} kept all ${users.length}`,
    },
  );
  await store.cartsAreRight(' by three projectors, of which one was there first');
  await Promise.all(loops.map((loop) => loop.end()));
}

/**
 * Who is silent for less than leaseMs keeps its users. Only where users are somebody's: where it shows, round after round, that each
 * is served by one projector and no other, and where nobody else serves them as soon as that one is paused.
 */
async function keepItsUsers(
  trial: CartTrial,
  store: Store,
  workers: readonly Worker<Carts>[],
): Promise<void> {
  const users = store.users.slice(-12);
  const rest = await watchAtRest(trial, store, users);
  if (!rest.every(({ by }) => by.size === 1)) return;
  // One who happens to be the quickest each time has not been given anybody.
  if (new Set(rest.flatMap(({ by }) => [...by])).size < 2) return;
  const usersOf = ({ name }: Worker<Carts>) => rest.filter(({ by }) => by.has(name));
  const [holder] = workers.toSorted((a, b) => usersOf(b).length - usersOf(a).length);
  if (!holder) return;
  const held = usersOf(holder).map(({ userId }) => userId);

  await holder.pause();
  const start = performance.now();
  await store.recordAdditions(held, 1);
  let taken: string | undefined;
  let after = 0;
  while (taken === undefined && after < SILENT_MS) {
    const stale = await Promise.all(held.map((userId) => store.wrongCart([userId])));
    taken = held.find((_, index) => stale[index] === undefined);
    after = performance.now() - start;
    if (taken === undefined) await sleep(10);
  }
  await holder.resume();
  const slowest = Math.max(...rest.map(({ milliseconds }) => milliseconds));
  expectThat(taken === undefined || after < Math.max(AT_ONCE_MS, 2 * slowest), {
    expected: `a projector that was silent for less than leaseMs (${LONG_LEASE_MS} ms) to keep its users`,
    happened: `${holder.name} alone served ${taken}, was paused, and ${Math.round(after)} ms later another had taken ${taken} over`,
  });
  await store.allAcknowledged();
  await store.cartsAreRight(` when ${holder.name} goes on after a pause shorter than leaseMs`);
}

interface Service {
  readonly userId: string;
  /** Who has worked on the cart. */
  readonly by: Set<string>;
  /** How long it took, at most. */
  milliseconds: number;
}

/** Who works for these users, when nothing else is going on. */
async function watchAtRest(
  trial: CartTrial,
  store: Store,
  users: readonly string[],
): Promise<readonly Service[]> {
  const services = users.map((userId): Service => ({ userId, by: new Set(), milliseconds: 0 }));
  const before = (await trial.commands()).length;
  for (let round = 0; round < ROUNDS_AT_REST; round++) {
    const start = performance.now();
    await store.recordAdditions(users, 1);
    await eventually(async () => (await store.firstOpen(users)) === undefined, {
      expected: 'every new event to be acknowledged',
      happened: async () => `${(await store.firstOpen(users))?.words}`,
    });
    const milliseconds = performance.now() - start;
    for (const service of services) {
      service.milliseconds = Math.max(service.milliseconds, milliseconds);
    }
    await sleep(trial.random.between(...REST_MS));
  }
  for (const { worker, args } of (await trial.commands()).slice(before)) {
    if (worker === '(script)' || !isWorkOnACart(args)) continue;
    for (const { userId, by } of services) {
      if (args.some((argument) => argument.endsWith(`:${userId}`))) by.add(worker);
    }
  }
  return services;
}

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
