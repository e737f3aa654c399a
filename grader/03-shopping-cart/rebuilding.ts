import type { Check } from '../harness/exercise.ts';
import { check } from '../harness/unmet.ts';
import {
  add,
  type Carts,
  cartOf,
  checkout,
  eventsOf,
  remove,
  Store,
  startProjector,
} from './store.ts';

const LEASE_MS = 400;
const SHOPPING_ROUNDS = 120;
const LONG = 1060;
const NOISE = 2500;

export const rebuild: Check<Carts> = async (trial) => {
  const { redis } = trial;
  const store = new Store(trial);
  const shop = await trial.hire('shop');
  await store.recordMany(['anna', 'ben', 'carl'], 12);
  // Longer than a page, whatever the size of a page may be.
  await store.record('dora', ...Array.from({ length: LONG }, () => store.randomEvent()));
  await store.record('eve', add('tea', 1), add('tea', 2));
  for (let left = trial.random.between(2, 9); left > 0; left--) {
    await store.record(`gone:${left}`, add('tea', left), checkout);
  }
  // Carts are not the only thing in a Redis: SCAN has many pages, and most of them are empty.
  await redis.eval("for i = 1, ARGV[1] do redis.call('SET', 'noise:' .. i, i) end", 0, NOISE);
  await redis.hset(cartOf('anna'), { ghost: 7, tea: 1000 });
  await redis.hset(cartOf('dora'), { tea: 5 });

  for (const when of [' after rebuildCarts', ' after a second rebuildCarts']) {
    const count = await shop.call.rebuildCarts();
    await store.cartsAreRightNow(when);
    check(count === store.users.length, {
      expected: `rebuildCarts to return ${store.users.length}, the number of carts`,
      happened: `it returned ${JSON.stringify(count)}`,
    });
  }

  // What the rebuilt cart contains must not be applied to it again; what comes after it must.
  const newest = await redis.xrevrange(eventsOf('eve'), '+', '-');
  for (const [id] of newest) await shop.call.applyEvent('eve', id, add('tea', 2));
  await store.cartsAreRightNow(' when the events that were rebuilt are delivered once more');
  const [next = ''] = await store.record('eve', add('pot', 1));
  await shop.call.applyEvent('eve', next, add('pot', 1));
  await store.cartsAreRightNow(' when the next event is applied after a rebuild');
};

export const rebuildLive: Check<Carts> = async (trial) => {
  const store = new Store(trial);
  const users = ['anna', 'ben', 'carl', 'dora'];
  await store.recordMany(users, 20);
  const [alice, bob, shop] = await trial.hireAll('alice', 'bob', 'shop');
  if (!alice || !bob || !shop) return;
  const loops = [alice, bob].map((worker) => startProjector(worker, LEASE_MS));
  await store.cartsAreRight(' by two projectors');

  // Events come all the time, and the carts are rebuilt again and again meanwhile.
  let shopping = true;
  const events = store.recordMany(users, SHOPPING_ROUNDS).finally(() => {
    shopping = false;
  });
  while (shopping) await shop.call.rebuildCarts();
  await events;

  await store.allAcknowledged();
  await store.cartsAreRight(' after rebuilds while projectors ran and events arrived');
  await Promise.all(loops.map((loop) => loop.end()));
};

export const snapshots: Check<Carts> = async (trial) => {
  const { redis } = trial;
  const store = new Store(trial);
  const users = ['anna', 'ben'];
  const shop = await trial.hire('shop');
  for (const userId of users) {
    await store.record(
      userId,
      ...Array.from({ length: 40 }, (_, index) => add(`item-${index % 7}`, 1)),
    );
  }
  // A snapshot is of the events. That a hash is wrong must not become permanent.
  await redis.hset(cartOf('anna'), { ghost: 7 });

  const count = await shop.call.snapshotCarts();
  check(count === users.length, {
    expected: `snapshotCarts to return ${users.length}, the number of carts`,
    happened: `it returned ${JSON.stringify(count)}`,
  });
  for (const userId of users) {
    const later = Array.from({ length: 15 }, (_, index) => `item-${index % 4}`);
    await store.record(userId, ...later.map((item, index) => (index < 5 ? remove : add)(item, 2)));
  }
  const loseTheRest = async (kept: number) => {
    for (const userId of users) {
      // Some of those that are in the snapshot are still there, and must not count twice.
      await redis.xtrim(eventsOf(userId), 'MAXLEN', '=', kept);
      await redis.del(cartOf(userId));
      await redis.hset(cartOf(userId), { ghost: 3 });
    }
  };
  await loseTheRest(20);
  await shop.call.rebuildCarts();
  await store.cartsAreRightNow(', rebuilt from the snapshot and the events behind it');

  // The next snapshot builds on the one before: the events that made that one are gone.
  await shop.call.snapshotCarts();
  for (const userId of users) await store.record(userId, add('pot', 2), remove('item-0', 1));
  await loseTheRest(2);
  await shop.call.rebuildCarts();
  await store.cartsAreRightNow(', rebuilt from a second snapshot and the events behind it');
};
