// WATCH and MULTI on a connection of its own, no Lua; a lease per user, watched in every transaction
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChainableCommander, Redis } from 'ioredis';

export type CartEvent =
  | { eventType: 'item:add' | 'item:remove'; itemId: string; quantity: number; timestamp: number }
  | { eventType: 'cart:checkout'; timestamp: number };

export interface ProjectorOptions {
  signal: AbortSignal;
  leaseMs: number;
}

const GROUP = 'cart_projectors';
const DEAD = 'cart:dead';
const EVENTS = 'cart:events:';
const eventsKey = (userId: string): string => `${EVENTS}${userId}`;
const cartKey = (userId: string): string => `cart:current:${userId}`;
const lastKey = (userId: string): string => `cart:last:${userId}`;
const snapshotKey = (userId: string): string => `cart:snapshot:${userId}`;

/** Waits, but not beyond the abort. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** Everybody who has a stream. */
async function findUsers(redis: Redis): Promise<string[]> {
  const found = new Set<string>();
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(
      cursor,
      'MATCH',
      `${EVENTS}*`,
      'COUNT',
      500,
      'TYPE',
      'stream',
    );
    for (const key of keys) found.add(key.slice(EVENTS.length));
    cursor = next;
  } while (cursor !== '0');
  return [...found].sort();
}

function toFields(event: CartEvent): string[] {
  return Object.entries(event).flatMap(([field, value]) =>
    value === undefined || value === null ? [] : [field, String(value)],
  );
}

export async function recordEvent(redis: Redis, userId: string, event: CartEvent): Promise<string> {
  const id = await redis.xadd(eventsKey(userId), '*', ...toFields(event));
  if (id === null) throw new Error('XADD gave no id');
  return id;
}

export async function readCart(redis: Redis, userId: string): Promise<Record<string, number>> {
  const hash = await redis.hgetall(cartKey(userId));
  return Object.fromEntries(
    Object.entries(hash).map(([item, quantity]) => [item, Number(quantity)]),
  );
}

type Entry = [id: string, fields: string[]];
type Cart = Map<string, number>;
type Meaning = { sign: number; item: string; n: number } | { reason: string };

function isNewer(a: string, b: string): boolean {
  const [ams = '0', aseq = '0'] = a.split('-');
  const [bms = '0', bseq = '0'] = b.split('-');
  if (BigInt(ams) !== BigInt(bms)) return BigInt(ams) > BigInt(bms);
  return BigInt(aseq) > BigInt(bseq);
}

function understand(fields: string[]): Meaning {
  const entry = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) entry.set(fields[i]!, fields[i + 1]!);
  const kind = entry.get('eventType');
  if (kind === 'cart:checkout') return { sign: 0, item: '', n: 0 };
  if (kind !== 'item:add' && kind !== 'item:remove')
    return { reason: `unknown eventType: ${kind}` };
  const item = entry.get('itemId');
  if (!item) return { reason: 'no itemId' };
  const quantity = entry.get('quantity') ?? '';
  if (!/^[1-9]\d*$/.test(quantity) || !Number.isSafeInteger(Number(quantity))) {
    return { reason: `quantity is no whole number from 1 on: ${quantity}` };
  }
  return { sign: kind === 'item:add' ? 1 : -1, item, n: Number(quantity) };
}

function fold(cart: Cart, fields: string[]): void {
  const event = understand(fields);
  if ('reason' in event) return;
  if (event.sign === 0) return cart.clear();
  const n = (cart.get(event.item) ?? 0) + event.sign * event.n;
  if (n > 0) cart.set(event.item, n);
  else cart.delete(event.item);
}

const toText = (n: number): string => BigInt(n).toString();

type Plan = (tx: ChainableCommander) => void;

/** Watches the keys, looks, and changes: again and again until nobody has come between. `undefined`: nothing to change. */
async function transact(
  own: Redis,
  keys: string[],
  look: () => Promise<Plan | undefined>,
): Promise<unknown[] | undefined> {
  for (;;) {
    await own.watch(...keys);
    let plan: Plan | undefined;
    try {
      plan = await look();
    } catch (error) {
      await own.unwatch();
      throw error;
    }
    if (!plan) {
      await own.unwatch();
      return undefined;
    }
    const tx = own.multi();
    plan(tx);
    const answers = await tx.exec();
    if (!answers) continue;
    for (const [error] of answers) if (error) throw error;
    return answers.map(([, answer]) => answer);
  }
}

async function withConnection<T>(redis: Redis, work: (own: Redis) => Promise<T>): Promise<T> {
  const own = redis.duplicate();
  try {
    return await work(own);
  } finally {
    own.disconnect();
  }
}

/** How the cart changes by this event, if it does. To be called while cart and last are watched. */
async function planChange(
  own: Redis,
  userId: string,
  id: string,
  fields: string[],
): Promise<Plan | undefined> {
  const last = await own.get(lastKey(userId));
  if (last !== null && !isNewer(id, last)) return undefined;
  const event = understand(fields);
  const before =
    'reason' in event || event.sign === 0 ? null : await own.hget(cartKey(userId), event.item);
  return (tx) => {
    if (!('reason' in event)) {
      const n = (Number(before ?? 0) || 0) + event.sign * event.n;
      if (event.sign === 0) tx.del(cartKey(userId));
      else if (n > 0) tx.hset(cartKey(userId), event.item, toText(n));
      else tx.hdel(cartKey(userId), event.item);
    }
    tx.set(lastKey(userId), id);
  };
}

export async function applyEvent(
  redis: Redis,
  userId: string,
  id: string,
  event: CartEvent,
): Promise<void> {
  await withConnection(redis, (own) =>
    transact(own, [cartKey(userId), lastKey(userId)], () =>
      planChange(own, userId, id, toFields(event)),
    ),
  );
}

const PAGE = 500;
const MAX_ID = '18446744073709551615-18446744073709551615';

/** Folds what comes after `id`, and returns the id of the last one. */
async function foldOn(own: Redis, userId: string, cart: Cart, id: string): Promise<string> {
  for (;;) {
    if (id === MAX_ID) return id;
    const start = id === '' ? '-' : `(${id}`;
    const page: Entry[] = await own.xrange(eventsKey(userId), start, '+', 'COUNT', PAGE);
    for (const [entryId, fields] of page) {
      fold(cart, fields);
      id = entryId;
    }
    if (page.length < PAGE) return id;
  }
}

async function rebuildCart(own: Redis, userId: string, keep: boolean): Promise<boolean> {
  for (;;) {
    const cart: Cart = new Map();
    const snapshot = await own.hgetall(snapshotKey(userId));
    const base = snapshot['@'] ?? '';
    for (const [field, value] of Object.entries(snapshot)) {
      if (field.startsWith('=')) cart.set(field.slice(1), Number(value));
    }
    let id = await foldOn(own, userId, cart, base);
    let state: 'again' | 'gone' | 'done' = 'done';
    const watched = [cartKey(userId), lastKey(userId), snapshotKey(userId)];
    await transact(own, watched, async () => {
      state = 'done';
      if (((await own.hget(snapshotKey(userId), '@')) ?? '') !== base) {
        state = 'again';
        return undefined;
      }
      if ((await own.exists(eventsKey(userId))) === 0) {
        state = 'gone';
        return undefined;
      }
      // What has come in since. Whatever a projector has applied is in the stream, and so in here.
      id = await foldOn(own, userId, cart, id);
      return (tx) => {
        const lines = [...cart].map(([item, n]): [string, string] => [item, toText(n)]);
        tx.del(cartKey(userId));
        for (const [item, n] of lines) tx.hset(cartKey(userId), item, n);
        if (id === '') return;
        tx.set(lastKey(userId), id);
        if (!keep) return;
        tx.del(snapshotKey(userId));
        tx.hset(snapshotKey(userId), '@', id);
        for (const [item, n] of lines) tx.hset(snapshotKey(userId), `=${item}`, n);
      };
    });
    if ((state as string) === 'again') continue;
    return (state as string) === 'done';
  }
}

async function rebuildAll(redis: Redis, keep: boolean): Promise<number> {
  return withConnection(redis, async (own) => {
    let count = 0;
    for (const userId of await findUsers(redis))
      if (await rebuildCart(own, userId, keep)) count += 1;
    return count;
  });
}

export async function rebuildCarts(redis: Redis): Promise<number> {
  return rebuildAll(redis, false);
}

export async function snapshotCarts(redis: Redis): Promise<number> {
  return rebuildAll(redis, true);
}

const leaseKey = (userId: string): string => `cart:lease:${userId}`;
const LIVING = 'cart:projectors';

class Projector {
  private readonly me: string;
  private readonly startedAt = Date.now();
  private readonly ttl: number;
  readonly beatMs: number;
  private readonly mine = new Set<string>();
  private users: string[] = [];
  private scannedAt = -Infinity;
  private beatAt = -Infinity;

  private readonly redis: Redis;
  private readonly own: Redis;
  private readonly name: string;
  private readonly signal: AbortSignal;

  constructor(redis: Redis, own: Redis, name: string, signal: AbortSignal, leaseMs: number) {
    this.redis = redis;
    this.own = own;
    this.name = name;
    this.signal = signal;
    // The oldest comes first in the list.
    this.me = `${String(this.startedAt).padStart(16, '0')}/${name}/${randomUUID()}`;
    this.ttl = Math.ceil(leaseMs * 1.5);
    this.beatMs = Math.max(10, Math.min(200, leaseMs / 5));
  }

  async run(): Promise<void> {
    try {
      while (!this.signal.aborted) {
        let busy = false;
        try {
          await this.beat();
          for (const userId of [...this.mine]) {
            if (this.signal.aborted) break;
            await this.beat();
            if (this.mine.has(userId) && (await this.work(userId).catch(() => false))) busy = true;
          }
        } catch {
          // We come again.
        }
        if (!busy) await pause(Math.min(50, this.beatMs), this.signal);
      }
    } finally {
      await this.leave().catch(() => undefined);
    }
  }

  private async leave(): Promise<void> {
    for (const userId of [...this.mine]) await this.release(userId);
    await this.redis.zrem(LIVING, this.me);
  }

  private async release(userId: string): Promise<void> {
    this.mine.delete(userId);
    await this.ifMine(userId, (tx) => tx.del(leaseKey(userId)));
  }

  /** Does this if the lease is ours, and stays so until it is done. */
  private async ifMine(userId: string, plan: Plan): Promise<unknown[] | undefined> {
    return transact(this.own, [leaseKey(userId)], async () =>
      (await this.own.get(leaseKey(userId))) === this.me ? plan : undefined,
    );
  }

  private async living(): Promise<string[]> {
    const [seconds, micros] = await this.redis.time();
    const now = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
    const answers = await this.redis
      .multi()
      .zremrangebyscore(LIVING, '-inf', String(now))
      .zadd(LIVING, now + this.ttl, this.me)
      .pexpire(LIVING, this.ttl, 'NX')
      .pexpire(LIVING, this.ttl, 'GT')
      .zrange(LIVING, '0', '-1')
      .exec();
    return ((answers?.[4]?.[1] as string[] | undefined) ?? [this.me]).sort();
  }

  private async beat(): Promise<void> {
    if (performance.now() - this.beatAt < this.beatMs) return;
    this.beatAt = performance.now();
    const living = await this.living();
    for (const userId of [...this.mine]) {
      const renewed = await this.ifMine(userId, (tx) => tx.pexpire(leaseKey(userId), this.ttl));
      if (!renewed) this.mine.delete(userId);
    }
    if (performance.now() - this.scannedAt > 250) {
      this.users = await findUsers(this.redis);
      this.scannedAt = performance.now();
    }
    const rank = living.indexOf(this.me);
    const share =
      Math.floor(this.users.length / living.length) +
      (rank < this.users.length % living.length ? 1 : 0);
    const existing = new Set(this.users);
    for (const userId of [...this.mine]) {
      if (!existing.has(userId) || this.mine.size > share) await this.release(userId);
    }
    for (const userId of this.users) {
      if (this.mine.size >= share || this.signal.aborted) break;
      if (this.mine.has(userId)) continue;
      const taken = await this.redis.set(leaseKey(userId), this.me, 'PX', this.ttl, 'NX');
      if (taken === 'OK') this.mine.add(userId);
    }
  }

  /** The next entries, in order: what somebody has left pending first; new ones only when nothing is. */
  private async take(userId: string): Promise<Entry[]> {
    const stream = eventsKey(userId);
    let pending: [string, string, number, number][] = [];
    try {
      pending = (await this.redis.xpending(stream, GROUP, '-', '+', 50)) as typeof pending;
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('NOGROUP')) throw error;
      await this.redis.xgroup('CREATE', stream, GROUP, '0');
    }
    if (pending.length > 0) {
      // We have the lease: whoever has read them is gone, or no longer in charge.
      const found = await Promise.all(pending.map(([id]) => this.redis.xrange(stream, id, id)));
      const entries: Entry[] = [];
      for (const [i, [id]] of pending.entries()) {
        const entry = found[i]?.[0];
        if (entry) entries.push(entry);
        else await this.ifMine(userId, (tx) => tx.xack(stream, GROUP, id));
      }
      return entries;
    }
    const answers = await this.ifMine(userId, (tx) =>
      tx.xreadgroup('GROUP', GROUP, this.name, 'COUNT', 50, 'STREAMS', stream, '>'),
    );
    if (!answers) {
      this.mine.delete(userId);
      return [];
    }
    return (answers[0] as [string, Entry[]][] | null)?.[0]?.[1] ?? [];
  }

  /** A helping of events, in one transaction: into the cart, and off the pending list. */
  private async apply(userId: string, entries: Entry[]): Promise<boolean> {
    const stream = eventsKey(userId);
    const watched = [leaseKey(userId), cartKey(userId), lastKey(userId)];
    const done = await transact(this.own, watched, async () => {
      const [holder, last, hash] = await Promise.all([
        this.own.get(leaseKey(userId)),
        this.own.get(lastKey(userId)),
        this.own.hgetall(cartKey(userId)),
      ]);
      if (holder !== this.me) return undefined;
      const cart: Cart = new Map(Object.entries(hash).map(([item, n]) => [item, Number(n) || 0]));
      let newest = last;
      for (const [id, fields] of entries) {
        if (newest !== null && !isNewer(id, newest)) continue;
        fold(cart, fields);
        newest = id;
      }
      return (tx) => {
        if (newest !== null && newest !== last) {
          tx.del(cartKey(userId));
          for (const [item, n] of cart) tx.hset(cartKey(userId), item, toText(n));
          tx.set(lastKey(userId), newest);
        }
        for (const [id, fields] of entries) {
          const event = understand(fields);
          if ('reason' in event) {
            tx.xadd(
              DEAD,
              '*',
              ...fields,
              'userId',
              userId,
              'originalId',
              id,
              'reason',
              event.reason,
            );
          }
          tx.xack(stream, GROUP, id);
        }
      };
    });
    if (!done) this.mine.delete(userId);
    return done !== undefined;
  }

  private async work(userId: string): Promise<boolean> {
    const entries = await this.take(userId);
    if (entries.length === 0) return false;
    // What has been read and not applied by now stays pending.
    if (!this.signal.aborted) await this.apply(userId, entries);
    return true;
  }
}

export async function runProjector(
  redis: Redis,
  name: string,
  { signal, leaseMs }: ProjectorOptions,
): Promise<void> {
  if (signal.aborted) return;
  await withConnection(redis, (own) => new Projector(redis, own, name, signal, leaseMs).run());
}
