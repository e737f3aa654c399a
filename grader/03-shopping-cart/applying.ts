import { isDeepStrictEqual } from 'node:util';
import { expectEntries } from '../harness/entries.ts';
import type { Check } from '../harness/grade-exercise.ts';
import { sentAlone } from '../harness/one-by-one.ts';
import { asLine } from '../harness/recorder.ts';
import { expectThat } from '../harness/unmet.ts';
import { expectUntouched } from '../harness/untouched.ts';
import type { Worker } from '../harness/worker.ts';
import {
  add,
  type Cart,
  type Carts,
  type CartTrial,
  cartOf,
  checkout,
  EVENTS,
  eventsOf,
  ODD_ITEM,
  remove,
  Store,
} from './store.ts';

const FILLED = 11_000;
const ROUNDS = 40;

export const record: Check<Carts> = async (trial) => {
  const { redis } = trial;
  await trial.fillStream(
    eventsOf('carl'),
    FILLED,
    'eventType',
    'item:add',
    'itemId',
    'tea',
    'quantity',
    '1',
    'timestamp',
    '1',
  );
  const shop = await trial.hire('shop');
  // The clocks of those who record differ: what comes later may say that it was earlier.
  const events = [add('tea', 2), add(ODD_ITEM, 1), remove('tea', 1), checkout].map(
    (event, index) => ({ ...event, timestamp: event.timestamp - index * 1000 }),
  );

  const ids = await Promise.all(events.map((event) => shop.call.recordEvent('anna', event)));
  await shop.call.recordEvent('Ben', add('pot', 1));

  await expectEntries(redis, eventsOf('anna'), 'recordEvent', ids, events);
  const bens = await redis.xlen(eventsOf('Ben'));
  expectThat(bens === 1, {
    expected: 'each user to have a stream: cart:events:Ben has one event',
    happened: `it has ${bens}`,
  });

  await shop.call.recordEvent('carl', add('tea', 1));
  const length = await redis.xlen(eventsOf('carl'));
  expectThat(length === FILLED + 1, {
    expected: `all ${FILLED + 1} events to stay: a cart cannot be rebuilt from a part of them`,
    happened: `${length} are left`,
  });
  await expectUntouched(trial, EVENTS, 'a cart cannot be rebuilt from a part of its events');
};

export const apply: Check<Carts> = async (trial) => {
  const { redis } = trial;
  const projector = await trial.hire('projector');
  let count = 0;
  const apply = (event: Parameters<typeof projector.call.applyEvent>[2]) =>
    projector.call.applyEvent('anna', `${100 + ++count}-0`, event);
  const some = trial.random.between(2, 30);
  const steps = [
    { event: add('tea', some), cart: { tea: `${some}` } },
    { event: add('milk', 1), cart: { tea: `${some}`, milk: '1' } },
    { event: add('tea', 3), cart: { tea: `${some + 3}`, milk: '1' } },
    { event: remove('tea', 1), cart: { tea: `${some + 2}`, milk: '1' } },
    { event: remove('milk', 1), cart: { tea: `${some + 2}` } },
    { event: remove('tea', some + 10), cart: {} },
    { event: add('tea', 1), cart: { tea: '1' } },
    { event: remove('pot', 1), cart: { tea: '1' } },
    { event: checkout, cart: {} },
    { event: add('pot', 12), cart: { pot: '12' } },
    { event: add(ODD_ITEM, 2), cart: { pot: '12', [ODD_ITEM]: '2' } },
    { event: remove(ODD_ITEM, 1), cart: { pot: '12', [ODD_ITEM]: '1' } },
    { event: checkout, cart: {} },
    { event: add('quantity', 3), cart: { quantity: '3' } },
    { event: add('itemId', 2), cart: { quantity: '3', itemId: '2' } },
    { event: remove('quantity', 1), cart: { quantity: '2', itemId: '2' } },
  ];

  for (const [index, { event, cart }] of steps.entries()) {
    await apply(event);
    const actual = await redis.hgetall(cartOf('anna'));
    expectThat(isDeepStrictEqual({ ...actual }, cart), {
      expected: `the hash ${cartOf('anna')} to be ${JSON.stringify(cart)} after event ${index + 1}, ${describe(event)}`,
      happened: `it is ${JSON.stringify(actual)}`,
    });
  }
  const others = await redis.exists(cartOf('ben'));
  expectThat(others === 0, {
    expected: 'the carts of other users to stay as they are',
    happened: `there is a ${cartOf('ben')} now`,
  });
  const strange = (await redis.keys('cart:current:*')).find((key) => key !== cartOf('anna'));
  expectThat(strange === undefined, {
    expected: 'keys of your own not to begin with cart:current:, as the exercise says',
    happened: `there is ${strange}`,
  });
  for (const key of await redis.keys('*')) {
    const expiresIn = await redis.ttl(key);
    expectThat(expiresIn < 0, {
      expected: 'what applyEvent keeps to stay: an event may come again after any time',
      happened: `${key} expires in ${expiresIn} seconds`,
    });
  }
};

export const once: Check<Carts> = async (trial) => {
  const workers = await trial.hireAll('alice', 'bob');
  const [alice, bob] = workers;
  const store = new Store(trial);
  const expectCart = async (expected: Cart, what: string) => {
    const cart = await store.actual('anna');
    expectThat(isDeepStrictEqual(cart, expected), {
      expected: `${JSON.stringify(expected)} ${what}`,
      happened: `the cart is ${JSON.stringify(cart)}`,
    });
  };
  const expectTea = (tea: number, what: string) => expectCart({ tea }, what);

  await alice.call.applyEvent('anna', '5-9', add('tea', 2));
  await alice.call.applyEvent('anna', '5-9', add('tea', 2));
  await expectTea(2, 'after the event 5-9 was applied twice');
  await bob.call.applyEvent('anna', '5-10', add('tea', 3));
  await expectTea(5, 'after 5-9 and 5-10: the second is newer, for ids are numbers');
  await bob.call.applyEvent('anna', '5-2', add('tea', 100));
  await expectTea(5, 'after the older event 5-2 came late');
  await alice.call.applyEvent('anna', '10-0', add('tea', 1));
  await expectTea(6, 'after 10-0, which is newer than 5-10');
  await alice.call.applyEvent('anna', '9-99', remove('tea', 1));
  await expectTea(6, 'after 9-99 came late: it is older than 10-0');
  await alice.call.applyEvent('anna', '11-0', checkout);
  await alice.call.applyEvent('anna', '10-0', add('tea', 1));
  await expectCart({}, 'after a checkout, and an older event that came again behind it');
  await alice.call.applyEvent('anna', '12-0', add('tea', 1));
  await alice.call.applyEvent('anna', '11-0', checkout);
  await alice.call.applyEvent('anna', '10-0', add('tea', 1));
  await expectTea(1, 'after a checkout, and old events that came again behind it');

  await alice.call.applyEvent('anna', '14-0', remove('milk', 1));
  await alice.call.applyEvent('anna', '13-0', add('tea', 50));
  await expectTea(1, 'after 14-0, which removed what was not there, and 13-0, which came late');

  // Both apply the same events at the same moment, again and again.
  for (let round = 1; round <= ROUNDS; round++) {
    await Promise.all([...workers, ...workers].map((worker) => applyTea(worker, 100 + round)));
  }
  await expectTea(
    ROUNDS + 1,
    `after ${ROUNDS} events, each applied by two processes at the same time`,
  );

  // Ids as busy servers give them out.
  await alice.call.applyEvent('anna', '1790000000000-1999999', add('tea', 1));
  await bob.call.applyEvent('anna', '1790000000000-2000000', add('tea', 1));
  await bob.call.applyEvent('anna', '1790000000001-0', add('tea', 1));
  await alice.call.applyEvent('anna', '1790000000000-2000001', add('tea', 100));
  await expectTea(
    ROUNDS + 4,
    'after 1790000000000-1999999, ...-2000000, 1790000000001-0, and an older one',
  );
  // Numbers of 64 bits: a number of JavaScript's or Lua's is exact up to 2^53 = 9007199254740992 only.
  let tea = ROUNDS + 4;
  const steps: readonly [id: string, counts: boolean][] = [
    ['9007199254740992-0', true],
    ['9007199254740993-0', true],
    ['9007199254740992-1', false],
    ['9007199254740993-9007199254740992', true],
    ['9007199254740993-9007199254740993', true],
    ['9007199254740993-9007199254740992', false],
    ['18446744073709551614-18446744073709551614', true],
    ['18446744073709551614-18446744073709551615', true],
    ['18446744073709551614-18446744073709551614', false],
    ['18446744073709551615-1', true],
    ['18446744073709551615-0', false],
  ];
  for (const [id, counts] of steps) {
    await alice.call.applyEvent('anna', id, add('tea', 1));
    if (counts) tea += 1;
    await expectTea(
      tea,
      `after ${id}, which is ${counts ? 'newer' : 'older'} than the one before: ids are numbers of 64 bits`,
    );
  }
  await expectOneStep(trial);
};

const CHANGES = /^(hset|hmset|hsetnx|hincrby|hincrbyfloat|hdel|del|unlink|set|rename|restore)$/i;

/** The hash and the memory of what was applied change together, or a crash between the two loses an event or counts it twice. */
async function expectOneStep(trial: CartTrial): Promise<void> {
  const change = sentAlone(await trial.commands()).find(
    ({ args: [command = '', key] }) => CHANGES.test(command) && key === cartOf('anna'),
  );
  expectThat(change === undefined, {
    expected:
      'to compare, to change the hash and to remember the id in one step: a script, or a MULTI that a WATCH guards',
    happened: `${change && asLine(change)} came on its own: a crash right before or after it would lose an event, or count it twice`,
    about: { command: change },
  });
}

function applyTea({ call }: Worker<Carts>, ms: number): Promise<void> {
  return call.applyEvent('anna', `${ms}-0`, add('tea', 1));
}

export const read: Check<Carts> = async (trial) => {
  const { redis } = trial;
  const shop = await trial.hire('shop');

  const none = await shop.call.readCart('nobody');
  expectThat(isDeepStrictEqual(none, {}), {
    expected: '{} for a user without a cart',
    happened: `it returned ${JSON.stringify(none)}`,
  });
  const stored = { tea: trial.random.between(2, 90), 'café ☕': 12, 'item 7/b': 1 };
  await redis.hset(cartOf('anna'), stored);
  const cart = await shop.call.readCart('anna');
  expectThat(isDeepStrictEqual(cart, stored), {
    expected: `${JSON.stringify(stored)}, quantities as numbers`,
    happened: `it returned ${JSON.stringify(cart)}`,
  });
};

function describe(event: ReturnType<typeof add>): string {
  if (event.eventType === 'cart:checkout') return event.eventType;
  return `${event.eventType} ${event.itemId} ${event.quantity}`;
}
