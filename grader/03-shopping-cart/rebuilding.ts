import type { Check } from '../harness/grade-exercise.ts';
import { expectThat } from '../harness/unmet.ts';
import { expectUntouched } from '../harness/untouched.ts';
import { recordOddEntries } from './odd-entries.ts';
import {
  add,
  type Carts,
  cartOf,
  checkout,
  EVENTS,
  eventsOf,
  ODD_ITEM,
  remove,
  Store,
} from './store.ts';

const LONG = 2560;
const FULL_PAGES = 1100;
const NOISE = 2500;

export const rebuild: Check<Carts> = async (trial) => {
  const { redis } = trial;
  const store = new Store(trial);
  const shop = await trial.hire('shop');
  await store.recordMany(['anna', 'ben', 'carl'], 12);
  // Longer than a page, whatever the size of a page may be.
  await store.record('dora', ...Array.from({ length: LONG }, () => store.randomEvent()));
  // Each of these counts: not one too few, and none twice.
  await store.recordAdditions(['fred'], FULL_PAGES);
  await store.record('eve', add('tea', 1), add('tea', 2));
  // An item is called as its shop calls it.
  await store.record('gil', add('constructor', 2), remove('toString', 1), add('constructor', 1));
  for (let left = trial.random.between(2, 9); left > 0; left--) {
    await store.record(`gone:${left}`, add('tea', left), checkout);
    // A cart that comes out empty is to be made anew as well.
    await redis.hset(cartOf(`gone:${left}`), { ghost: left });
  }
  await recordOddEntries(store, 'odd');
  // Carts are not the only thing in a Redis: SCAN has many pages, and most of them are empty.
  await redis.eval("for i = 1, ARGV[1] do redis.call('SET', 'noise:' .. i, i) end", 0, NOISE);
  await redis.hset(cartOf('anna'), { ghost: 7, tea: 1000 });
  await redis.hset(cartOf('dora'), { tea: 5 });

  for (const when of [' after rebuildCarts', ' after a second rebuildCarts']) {
    const count = await shop.call.rebuildCarts();
    await store.cartsAreRightNow(when);
    expectThat(count === store.users.length, {
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
  // Also of a cart that came out empty.
  const [old] = await redis.xrange(eventsOf('gone:1'), '-', '+');
  await shop.call.applyEvent('gone:1', old?.[0] ?? '', add('tea', 1));
  await store.cartsAreRightNow(
    ' when an event of a cart that came out empty is delivered once more',
  );
};

export const snapshots: Check<Carts> = async (trial) => {
  const { redis } = trial;
  const store = new Store(trial);
  const users = ['anna', 'ben'];
  const [shop, other] = await trial.hireAll('shop', 'other');
  for (const userId of users) {
    await store.record(
      userId,
      ...Array.from({ length: 40 }, (_, index) => add(`item-${index % 7}`, 1)),
    );
  }
  await store.record('carl', add('tea', 2), add(ODD_ITEM, 3));
  const [first = ''] = await store.record('dora', add('tea', 2), add('last', 3));
  // A snapshot is of the events. That a hash is wrong must not become permanent.
  await redis.hset(cartOf('anna'), { ghost: 7 });

  const count = await shop.call.snapshotCarts();
  expectThat(count === store.users.length, {
    expected: `snapshotCarts to return ${store.users.length}, the number of carts`,
    happened: `it returned ${JSON.stringify(count)}`,
  });
  for (const userId of users) {
    const later = Array.from({ length: 15 }, (_, index) => `item-${index % 4}`);
    await store.record(userId, ...later.map((item, index) => (index < 5 ? remove : add)(item, 2)));
  }
  const loseTheRest = async (kept: Record<string, number>) => {
    for (const [userId, length] of Object.entries(kept)) {
      await redis.xtrim(eventsOf(userId), 'MAXLEN', '=', length);
      await redis.del(cartOf(userId));
      await redis.hset(cartOf(userId), { ghost: 3 });
    }
  };
  // Some of those that are in the snapshot are still there, and must not count twice.
  await loseTheRest({ anna: 20, ben: 20 });
  await shop.call.rebuildCarts();
  await store.cartsAreRightNow(', rebuilt from the snapshot and the events behind it');

  // The next snapshot builds on the one before: the events that made that one are gone.
  await store.record('carl', checkout);
  await shop.call.snapshotCarts();
  for (const userId of [...users, 'carl']) {
    await store.record(userId, add('pot', 2), remove('item-0', 1));
  }
  await loseTheRest({ anna: 2, ben: 2, carl: 2, dora: 0 });
  await other.call.rebuildCarts();
  const when = ', rebuilt by another process from a second snapshot and the events behind it';
  await store.cartsAreRightNow(when);
  await other.call.applyEvent('dora', first, add('tea', 2));
  await store.cartsAreRightNow(
    `${when}, when an event of before the snapshot is delivered once more`,
  );
  await expectUntouched(trial, EVENTS, 'that is up to whoever has made the snapshot');
  const carts = await redis.keys('cart:current:*');
  const strange = carts.find((key) => !store.users.some((userId) => key === cartOf(userId)));
  expectThat(strange === undefined, {
    expected: 'keys of your own not to begin with cart:current:, as the exercise says',
    happened: `there is ${strange}`,
  });
};
