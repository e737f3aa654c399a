import type { Check } from '../harness/grade-exercise.ts';
import { expectThat } from '../harness/unmet.ts';
import { recordOddEntries } from './odd-entries.ts';
import { add, type Carts, cartOf, checkout, eventsOf, remove, Store } from './store.ts';

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
  for (const userId of store.users) {
    const endsIn = await redis.pttl(cartOf(userId));
    expectThat(endsIn < 0, {
      expected: `a cart to be there for good (PTTL ${cartOf(userId)}: -1)`,
      happened: `it vanishes in ${endsIn} ms: a key that is renamed keeps its time to live`,
      about: { keys: [cartOf(userId)] },
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
