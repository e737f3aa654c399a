// Style: no Lua. WATCH the last id, work the cart out in the program, write cart and id in a MULTI; again, if
// somebody was quicker. WATCH belongs to a connection, so each piece of work has one of its own.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';

export type CartEvent =
  | { eventType: 'item:add' | 'item:remove'; itemId: string; quantity: number; timestamp: number }
  | { eventType: 'cart:checkout'; timestamp: number };

export interface ProjectorOptions {
  signal: AbortSignal;
  leaseMs: number;
}

const GROUP = 'cart_projectors';
const PREFIX = 'cart:events:';

export async function recordEvent(redis: Redis, userId: string, event: CartEvent): Promise<string> {
  return String(await redis.xadd(PREFIX + userId, '*', ...Object.entries(event).flat()));
}

export async function readCart(redis: Redis, userId: string): Promise<Record<string, number>> {
  const cart: Record<string, number> = {};
  for (const [item, quantity] of Object.entries(await redis.hgetall(`cart:current:${userId}`))) {
    cart[item] = Number(quantity);
  }
  return cart;
}

async function findUsers(redis: Redis): Promise<string[]> {
  const keys = await redis.keys(`${PREFIX}*`);
  return keys.map((key) => key.slice(PREFIX.length)).sort();
}

async function makeGroup(redis: Redis, user: string): Promise<void> {
  await redis.xgroup('CREATE', PREFIX + user, GROUP, '0', 'MKSTREAM').catch((error: Error) => {
    if (!error.message.startsWith('BUSYGROUP')) throw error;
  });
}

/** A stream was deleted, or its group destroyed: it is made anew in the next round. */
function ignoreGone(error: Error): null {
  if (!/^(NOGROUP|UNBLOCKED)/.test(error.message)) throw error;
  return null;
}

type Cart = Map<string, number>;

const lastKey = (user: string) => `cart:last:${user}`;
const cartKey = (user: string) => `cart:current:${user}`;
const snapshotKey = (user: string) => `cart:snapshot:${user}`;

function isAfter(id: string, last: string): boolean {
  const [ms = 0n, seq = 0n] = id.split('-').map(BigInt);
  const [lastMs = 0n, lastSeq = 0n] = last.split('-').map(BigInt);
  return ms > lastMs || (ms === lastMs && seq > lastSeq);
}

function change(cart: Cart, type: string | undefined, item: string, quantity: number): void {
  if (type === 'cart:checkout') {
    cart.clear();
    return;
  }
  const line = (cart.get(item) ?? 0) + (type === 'item:add' ? quantity : -quantity);
  if (line > 0) cart.set(item, line);
  else cart.delete(item);
}

function eventOf(fields: string[]): Map<string, string> {
  const event = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) event.set(fields[i] ?? '', fields[i + 1] ?? '');
  return event;
}

/** Why this is no event; undefined when it is one. */
function complaint(event: Map<string, string>): string | undefined {
  const type = event.get('eventType');
  if (type === 'cart:checkout') return undefined;
  if (type !== 'item:add' && type !== 'item:remove') return `eventType is ${type}`;
  if (!event.has('itemId')) return 'there is no itemId';
  const quantity = event.get('quantity') ?? '';
  return /^[1-9]\d*$/.test(quantity) ? undefined : `quantity is ${quantity}`;
}

function play(cart: Cart, entries: [string, string[]][]): void {
  for (const [, fields] of entries) {
    const event = eventOf(fields);
    if (complaint(event)) continue;
    change(cart, event.get('eventType'), event.get('itemId') ?? '', Number(event.get('quantity')));
  }
}

/** Reads what is there under WATCH, and writes what `next` makes of it; undefined: there is nothing to write. */
async function update(
  redis: Redis,
  user: string,
  next: (
    redis: Redis,
    cart: Cart,
    last: string,
  ) => Promise<{ cart: Cart; last: string } | undefined>,
  snapshot = false,
): Promise<void> {
  const own = redis.duplicate();
  try {
    for (;;) {
      await own.watch(lastKey(user), cartKey(user));
      const last = (await own.get(lastKey(user))) ?? '0-0';
      const before = Object.entries(await own.hgetall(cartKey(user)));
      const result = await next(own, new Map(before.map(([item, n]) => [item, Number(n)])), last);
      if (!result) return;
      const multi = own.multi().del(cartKey(user)).set(lastKey(user), result.last);
      if (result.cart.size > 0) multi.hset(cartKey(user), result.cart);
      if (snapshot) multi.set(snapshotKey(user), JSON.stringify([result.last, ...result.cart]));
      if (await multi.exec()) return;
    }
  } finally {
    own.disconnect();
  }
}

export async function applyEvent(
  redis: Redis,
  userId: string,
  id: string,
  event: CartEvent,
): Promise<void> {
  await update(redis, userId, async (_, cart, last) => {
    if (!isAfter(id, last)) return undefined;
    if (event.eventType === 'cart:checkout') cart.clear();
    else change(cart, event.eventType, event.itemId, event.quantity);
    return { cart, last: id };
  });
}

async function rebuild(redis: Redis, snapshot: boolean): Promise<number> {
  const users = await findUsers(redis);
  for (const user of users) {
    const fresh = async (own: Redis) => {
      const kept = JSON.parse((await own.get(snapshotKey(user))) ?? '["0-0"]');
      const [start, ...lines] = kept as [string, ...[string, number][]];
      const cart: Cart = new Map(lines);
      let last = start;
      for (;;) {
        const page = await own.xrange(PREFIX + user, `(${last}`, '+', 'COUNT', 500);
        if (page.length === 0) return { cart, last };
        play(cart, page);
        last = page.at(-1)?.[0] ?? last;
      }
    };
    await update(redis, user, fresh, snapshot);
  }
  return users.length;
}

export const rebuildCarts = async (redis: Redis): Promise<number> => rebuild(redis, false);
export const snapshotCarts = async (redis: Redis): Promise<number> => rebuild(redis, true);

async function bringUpToDate(redis: Redis, name: string, user: string): Promise<void> {
  const stream = PREFIX + user;
  await redis.xreadgroup('GROUP', GROUP, name, 'COUNT', 200, 'STREAMS', stream, '>');
  for (;;) {
    const pending = (await redis.xpending(stream, GROUP, '-', '+', 500)) as [string][];
    if (pending.length === 0) return;
    await update(redis, user, async (own, cart, last) => {
      const entries = await own.xrange(stream, `(${last}`, '+');
      if (entries.length === 0) return undefined;
      play(cart, entries);
      return { cart, last: entries.at(-1)?.[0] ?? last };
    });
    // Whatever was pending before the update is in the cart now, or is no event, or was trimmed away.
    const done = redis.multi();
    for (const [id] of pending) {
      const [entry] = await redis.xrange(stream, id, id);
      const reason = entry && complaint(eventOf(entry[1]));
      if (entry && reason) {
        const about = ['userId', user, 'originalId', id, 'reason', reason];
        done.xadd('cart:dead', '*', ...entry[1], ...about);
      }
      done.xack(stream, GROUP, id);
    }
    await done.exec();
  }
}

export async function runProjector(
  redis: Redis,
  name: string,
  { signal, leaseMs }: ProjectorOptions,
): Promise<void> {
  while (!signal.aborted) {
    for (const user of await findUsers(redis)) {
      if (signal.aborted) break;
      const lease = await redis.set(`cart:lease:${user}`, name, 'PX', leaseMs, 'NX');
      if (lease !== 'OK') continue;
      await makeGroup(redis, user);
      await bringUpToDate(redis, name, user).catch(ignoreGone);
      if ((await redis.get(`cart:lease:${user}`)) === name) await redis.del(`cart:lease:${user}`);
    }
    await sleep(30, undefined, { signal }).catch(() => {});
  }
}
