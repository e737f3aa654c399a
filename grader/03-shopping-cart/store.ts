import { isDeepStrictEqual } from 'node:util';
import { asRecords } from '../../system/redis/xinfo.ts';
import { Group } from '../harness/group.ts';
import type { Trial } from '../harness/trial.ts';
import { type About, eventually, expectThat } from '../harness/unmet.ts';
import type { Loop, Worker } from '../harness/worker.ts';
import type { CartEvent } from './starter.ts';

export type Carts = typeof import('./starter.ts');
export type CartTrial = Trial<Carts>;
export type Cart = Record<string, number>;

/** Not every name is one word: a script has to take it as it is. */
export const ODD_ITEM = ' it\'s "tea" ';
const ITEMS: readonly [string, ...string[]] = ['tea', 'milk', ODD_ITEM, 'Pot'];
const FIRST_TIMESTAMP = 1_790_000_000_000;

export const EVENTS = 'cart:events:';
export const eventsOf = (userId: string) => `${EVENTS}${userId}`;
export const cartOf = (userId: string) => `cart:current:${userId}`;

export function add(itemId: string, quantity: number): CartEvent {
  return { eventType: 'item:add', itemId, quantity, timestamp: FIRST_TIMESTAMP };
}

export function remove(itemId: string, quantity: number): CartEvent {
  return { eventType: 'item:remove', itemId, quantity, timestamp: FIRST_TIMESTAMP };
}

export const checkout: CartEvent = { eventType: 'cart:checkout', timestamp: FIRST_TIMESTAMP };

/** What a cart is after these events: the model that the projections are compared with. */
export function cartAfter(events: Iterable<CartEvent>, before: Cart = {}): Cart {
  let cart: Cart = { ...before };
  for (const event of events) {
    if (event.eventType === 'cart:checkout') {
      cart = {};
      continue;
    }
    const { eventType, itemId, quantity } = event;
    const line =
      (Object.hasOwn(cart, itemId) ? (cart[itemId] ?? 0) : 0) +
      (eventType === 'item:add' ? quantity : -quantity);
    if (line > 0) cart[itemId] = line;
    else delete cart[itemId];
  }
  return cart;
}

/** A cart that is not what its events make of it, in words. */
interface WrongCart {
  readonly userId: string;
  readonly words: string;
}

/** What is still to be done with events, in words. */
interface OpenWork {
  readonly words: string;
  readonly about: About;
}

/** The users of a check, what they did, and what their carts have to be. */
export class Store {
  readonly trial: CartTrial;
  readonly #events = new Map<string, CartEvent[]>();
  /** The model is worked out once for each event, and not for each look at it. */
  readonly #models = new Map<string, { cart: Cart; events: number }>();

  constructor(trial: CartTrial) {
    this.trial = trial;
  }

  get users(): string[] {
    return [...this.#events.keys()];
  }

  group(userId: string): Group {
    return new Group(this.trial.redis, eventsOf(userId), 'cart_projectors');
  }

  /** What XINFO says about the user's group, if it is there. */
  groupInfo(userId: string) {
    return infoOf(this.group(userId));
  }

  /** An event as another service records it: a check does not need the learner's recordEvent. */
  async record(userId: string, ...events: CartEvent[]): Promise<string[]> {
    const known = this.#events.get(userId) ?? [];
    known.push(...events);
    this.#events.set(userId, known);
    const ids = events.map((event) =>
      this.trial.redis.xadd(eventsOf(userId), '*', ...this.trial.random.fieldsOf(event)),
    );
    return (await Promise.all(ids)).map(String);
  }

  /** An entry as somebody else writes it; `meaning` is the event that it is, if it is one. */
  async write(
    userId: string,
    id: string,
    fields: readonly string[],
    meaning?: CartEvent,
  ): Promise<void> {
    this.#events.set(userId, [...(this.#events.get(userId) ?? []), ...(meaning ? [meaning] : [])]);
    await this.trial.redis.xadd(eventsOf(userId), id, ...fields);
  }

  /** An entry that means nothing. */
  async writeStray(userId: string, fields: Readonly<Record<string, string>>): Promise<string> {
    const { redis, random } = this.trial;
    return String(await redis.xadd(eventsOf(userId), '*', ...random.fieldsOf(fields)));
  }

  /** So many additions for each user: where a check is not about what events do to a cart. */
  async recordAdditions(users: readonly string[], count: number): Promise<void> {
    const events = Array.from({ length: count }, (_, index) => add('tea', index + 1));
    await Promise.all(users.map((userId) => this.record(userId, ...events)));
  }

  /** So many events of each user, in turn, and so that their order matters. */
  async recordMany(users: readonly string[], rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      await Promise.all(users.map((userId) => this.record(userId, this.randomEvent())));
    }
  }

  /** Many additions, many removals of more than may be there, and a checkout now and then. */
  randomEvent(): CartEvent {
    const { random } = this.trial;
    const chance = random.between(1, 100);
    if (chance <= 4) return checkout;
    const item = random.pick(ITEMS);
    return chance <= 60 ? add(item, random.between(1, 4)) : remove(item, random.between(1, 5));
  }

  /** How many events of this user a projector was given, and has not acknowledged yet. */
  async heldBy(projector: string, userId: string): Promise<number> {
    const pending = await this.group(userId)
      .pending()
      .catch(() => []);
    return pending.filter(({ consumer }) => consumer === projector).length;
  }

  expected(userId: string): Cart {
    const events = this.#events.get(userId) ?? [];
    const known = this.#models.get(userId) ?? { cart: {}, events: 0 };
    const cart = cartAfter(events.slice(known.events), known.cart);
    this.#models.set(userId, { cart, events: events.length });
    return cart;
  }

  async actual(userId: string): Promise<Cart> {
    const lines = Object.entries(await this.trial.redis.hgetall(cartOf(userId)));
    return Object.fromEntries(lines.map(([item, quantity]) => [item, Number(quantity)]));
  }

  /** Waits until every cart is what its events make of it. */
  async cartsAreRight(when: string): Promise<void> {
    await this.cartsAreRightOf(this.users, when);
  }

  async cartsAreRightOf(users: readonly string[], when: string): Promise<void> {
    await eventually(async () => (await this.wrongCart(users)) === undefined, {
      expected: this.#wording(when),
      happened: async () =>
        (await this.wrongCart(users))?.words ?? 'they are now, but that was too late',
      about: async () => keysOf((await this.wrongCart(users))?.userId),
    });
  }

  /** Expects it without waiting: nobody is at work any more. */
  async cartsAreRightNow(when: string): Promise<void> {
    const wrong = await this.wrongCart();
    expectThat(wrong === undefined, {
      expected: this.#wording(when),
      happened: wrong?.words ?? '',
      about: keysOf(wrong?.userId),
    });
  }

  #wording(when: string): string {
    return `every cart to be what its events make of it${when}`;
  }

  /** The first cart that is not what it has to be: whose it is, and what is wrong. */
  async wrongCart(users: readonly string[] = this.users): Promise<WrongCart | undefined> {
    const carts = await Promise.all(users.map((userId) => this.actual(userId)));
    for (const [index, userId] of users.entries()) {
      const [actual, expected] = [carts[index], this.expected(userId)];
      if (isDeepStrictEqual(actual, expected)) continue;
      const count = this.#events.get(userId)?.length ?? 0;
      const words = `the cart of ${userId} is ${JSON.stringify(actual)}, and its ${count} events make ${JSON.stringify(expected)}`;
      return { userId, words };
    }
    return undefined;
  }

  /** Something that is still to be done with events that were recorded. */
  async firstOpen(users: readonly string[] = this.users): Promise<OpenWork | undefined> {
    const left = await Promise.all(users.map((userId) => unacknowledged(this.group(userId))));
    return left.find((words) => words !== undefined);
  }

  /** Waits until every event was given to the group of its stream, and acknowledged. */
  async allAcknowledged(): Promise<void> {
    await eventually(async () => (await this.firstOpen()) === undefined, {
      expected:
        "every event to be read in cart_projectors, the group of its user's stream, and acknowledged",
      happened: async () =>
        (await this.firstOpen())?.words ?? 'they are now, but that was too late',
      about: async () => (await this.firstOpen())?.about ?? {},
    });
  }
}

function keysOf(userId: string | undefined): About {
  return userId === undefined ? {} : { keys: [eventsOf(userId), cartOf(userId)] };
}

export function startProjector(
  worker: Worker<Carts>,
  leaseMs: number,
  { name = worker.name, aborted = false }: { name?: string; aborted?: boolean } = {},
): Loop {
  return worker.start((carts, signal) => carts.runProjector(name, { signal, leaseMs }), aborted);
}

async function infoOf({ redis, stream, name }: Group) {
  const groups = await redis.xinfo('GROUPS', stream).then(asRecords, () => []);
  return groups.find((record) => record.get('name') === name);
}

/** What a group still has to do, in words, and with which entries; undefined when there is nothing. */
async function unacknowledged(group: Group): Promise<OpenWork | undefined> {
  const info = await infoOf(group);
  if (!info) {
    return {
      words: `${group.stream} has no group cart_projectors`,
      about: { keys: [group.stream] },
    };
  }
  const pending = Number(info.get('pending'));
  if (pending > 0) {
    const ids = await group.pendingIds();
    return {
      words: `${ids[0]} in ${group.stream} is pending still, one of ${pending}`,
      about: { entries: ids, group },
    };
  }
  const delivered = info.get('last-delivered-id');
  const [newest] = await group.redis.xrevrange(group.stream, '+', '-', 'COUNT', 1);
  if (newest && newest[0] !== delivered) {
    return {
      words: `${group.stream}: its newest event is still there to be read`,
      about: { entries: [newest[0]], group },
    };
  }
  return undefined;
}
