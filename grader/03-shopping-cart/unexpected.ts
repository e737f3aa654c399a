import { expectAddedFirst } from '../harness/dead-letters.ts';
import type { Check } from '../harness/grade-exercise.ts';
import { eventually, expectThat } from '../harness/unmet.ts';
import {
  add,
  type Carts,
  type CartTrial,
  cartOf,
  checkout,
  eventsOf,
  remove,
  Store,
  startProjector,
} from './store.ts';

const LEASE_MS = 400;
const DEAD = 'cart:dead';

/** Entries that are no events, as their fields. */
const NO_EVENTS: readonly Readonly<Record<string, string>>[] = [
  { eventType: 'cart:sneeze', itemId: 'tea', quantity: '1' },
  { eventType: 'constructor', itemId: 'tea', quantity: '1' },
  { eventType: '__proto__', itemId: 'tea', quantity: '1' },
  { itemId: 'tea', quantity: '1' },
  { note: 'hello' },
  { eventType: 'item:add', quantity: '1' },
  { eventType: 'item:remove', quantity: '1' },
  { eventType: 'item:add', itemId: 'tea' },
  ...['two', '', '0', '-1', '1.5', '1e3', 'NaN'].map((quantity) => ({
    eventType: 'item:add',
    itemId: 'tea',
    quantity,
  })),
  { eventType: 'item:remove', itemId: 'tea', quantity: '-1' },
];

interface Stray {
  readonly userId: string;
  readonly id: string;
  readonly fields: Readonly<Record<string, string>>;
}

export const unexpected: Check<Carts> = async (trial) => {
  const store = new Store(trial);
  const [alice, bob, shop] = await trial.hireAll('alice', 'bob', 'shop');
  await store.record('carl', add('pot', 1));
  const able = [];
  for (const name of ['rebuildCarts', 'snapshotCarts'] as const) {
    if (await works(store, shop.call[name])) able.push({ name, call: shop.call[name] });
  }
  const strays = await writeStrays(store, 'anna');
  for (const { name, call } of able) await passOver(store, call, name);

  // Ben's come when his cart is made already, and the projectors wait.
  await store.record('ben', add('tea', 4));
  const loops = [alice, bob].map((worker) => startProjector(worker, LEASE_MS));
  await store.allAcknowledged();
  strays.push(...(await writeStrays(store, 'ben')));
  await store.cartsAreRight(': an entry that is no event changes nothing, and stops nobody');
  await store.allAcknowledged();
  await expectBuried(trial, strays);
  const before = await trial.redis.xlen(DEAD);
  for (const { name, call } of able) await passOver(store, call, name);
  const after = await trial.redis.xlen(DEAD);
  expectThat(after === before, {
    expected: `nothing new in ${DEAD} after rebuildCarts and snapshotCarts: they pass over what is no event`,
    happened: `there were ${before} entries, and there are ${after}`,
  });

  await vanish(store);
  await Promise.all(loops.map((loop) => loop.end()));
};

/** Good events, and between them what is none. */
async function writeStrays(store: Store, userId: string): Promise<Stray[]> {
  const strays: Stray[] = [];
  await store.record(userId, add('tea', 5), add('milk', 2));
  for (const fields of store.trial.random.shuffled(NO_EVENTS)) {
    const id = await store.writeStray(userId, fields);
    strays.push({ userId, id, fields });
    await store.record(userId, add('tea', 2), remove('milk', 1));
  }
  await store.record(userId, checkout, add('pot', 3), add('tea', 1));
  return strays;
}

/** Whether it does its work where every entry is an event. If not, that is judged elsewhere. */
async function works(store: Store, call: () => Promise<unknown>): Promise<boolean> {
  const done = await call().then(
    () => true,
    () => false,
  );
  return done && (await store.wrongCart()) === undefined;
}

async function passOver(
  store: Store,
  call: () => Promise<unknown>,
  functionName: string,
): Promise<void> {
  await call();
  await store.cartsAreRightNow(` after ${functionName}: it passes over what is no event`);
}

/** Waits until all of them are in `cart:dead`; two projectors that come to one at the same time may add it twice. */
async function expectBuried(trial: CartTrial, strays: readonly Stray[]): Promise<void> {
  const { redis } = trial;
  const buried = async () => (await redis.xrange(DEAD, '-', '+')).map(([, fields]) => fields);
  const isOf = ({ id, userId }: Stray, fields: readonly string[]) =>
    has(fields, 'originalId', id) && has(fields, 'userId', userId);
  await eventually(async () => (await buried()).length >= strays.length, {
    expected: `the ${strays.length} entries that are no events to be added to ${DEAD}`,
    happened: async () => `${(await buried()).length} entries are in it`,
  });
  const found = await buried();
  for (const stray of strays) {
    const same = found.filter((fields) => isOf(stray, fields));
    const described = JSON.stringify(stray.fields);
    expectThat(same.length === 1 || same.length === 2, {
      expected: `${stray.id} of ${stray.userId}, ${described}, to be in ${DEAD}, with userId and originalId`,
      happened:
        same.length > 1
          ? `it is there ${same.length} times`
          : `it is not; the first entry there is ${JSON.stringify(found[0])}`,
    });
    await expectAddedFirst(trial, eventsOf(stray.userId), DEAD, [stray.id]);
    const [fields = []] = same;
    const missing = Object.entries(stray.fields).find(([name, value]) => !has(fields, name, value));
    expectThat(missing === undefined, {
      expected: `its own fields to be in ${DEAD} too: ${described}`,
      happened: `${missing?.join('=')} is missing: ${JSON.stringify(fields)}`,
    });
    const reason = fields.findIndex((name, at) => at % 2 === 0 && name === 'reason');
    expectThat(reason >= 0 && fields[reason + 1] !== '', {
      expected: `a reason in ${DEAD}: what is wrong with ${described}`,
      happened: `the entry is ${JSON.stringify(fields)}`,
    });
  }
}

function has(fields: readonly string[], name: string, value: string): boolean {
  return fields.some((field, at) => at % 2 === 0 && field === name && fields[at + 1] === value);
}

/** A stream is deleted, and a group destroyed, while projectors wait for news in them; others delete what is theirs. */
async function vanish(store: Store): Promise<void> {
  const { redis } = store.trial;
  await redis.del(eventsOf('carl'));
  await store.record('ben', add('tea', 3));
  await store.cartsAreRightOf(['ben'], " after the stream of another user, carl's, was deleted");
  await store.record('carl', add('cup', 2), add('cup', 1));
  await eventually(async () => (await redis.hget(cartOf('carl'), 'cup')) === '3', {
    expected:
      "the new events of carl to get into his cart, when his stream was deleted, and written anew: 3 of 'cup'",
    happened: async () => `his cart is ${JSON.stringify(await store.actual('carl'))}`,
  });

  await redis.xgroup('DESTROY', eventsOf('ben'), 'cart_projectors');
  await store.record('ben', add('tea', 7), remove('tea', 2));
  await store.record('anna', add('tea', 1));
  await store.cartsAreRightOf(
    ['anna', 'ben'],
    ' after the group of a user was destroyed (XGROUP DESTROY), and more events came',
  );
  await redis.xgroup('DELCONSUMER', eventsOf('ben'), 'cart_projectors', 'alice');
  await redis.xgroup('DELCONSUMER', eventsOf('ben'), 'cart_projectors', 'bob');
  await store.record('ben', add('tea', 1), add('pot', 2));
  await store.cartsAreRightOf(['ben'], ' after the consumers were deleted (XGROUP DELCONSUMER)');
}
