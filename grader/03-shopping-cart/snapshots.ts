import type { Check } from '../harness/grade-exercise.ts';
import { expectThat } from '../harness/unmet.ts';
import { expectUntouched } from '../harness/untouched.ts';
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

/** Items that are called as somebody might call what is kept beside them. */
const NAMES_OF_FIELDS = ['id', 'last', 'lastId', 'version', 'cart', 'items', 'as-of'];

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
  const [first = ''] = await store.record(
    'dora',
    add('tea', 2),
    ...NAMES_OF_FIELDS.map((item) => add(item, 3)),
  );
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
