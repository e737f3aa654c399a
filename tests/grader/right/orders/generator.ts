// An async generator that says what comes next; one connection, no blocking; own orders four at a time; MULTI

import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';

export interface Order {
  productId: string;
  userId: string;
  quantity: number;
  /** Milliseconds since 1970. */
  timestamp: number;
}

export type OrderHandler = (order: Order, id: string) => Promise<void>;

export interface WorkerOptions {
  signal: AbortSignal;
  minIdleMs: number;
}

const NEW = 'orders:new';
const DEAD = 'orders:dead';
const GROUP = 'order_processors';

type Fields = string[];
type Row = [id: string, consumer: string, idle: number, deliveries: number];
type Reply = [key: string, entries: [id: string, fields: Fields | null][]][] | null;
interface Delivery {
  id: string;
  fields: Fields;
  count: number;
}

export async function publishOrder(redis: Redis, order: Order): Promise<string> {
  const id = await redis.xadd(
    NEW,
    'MAXLEN',
    '~',
    10000,
    '*',
    ...(['productId', 'userId', 'quantity', 'timestamp'] as const).flatMap((field) => [
      field,
      order[field],
    ]),
  );
  return id!;
}

export async function createGroup(redis: Redis): Promise<void> {
  try {
    await redis.xgroup('CREATE', NEW, GROUP, '0', 'MKSTREAM');
  } catch (error) {
    if (!starts(error, 'BUSYGROUP')) throw error;
  }
}

function starts(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}

/** Does it, and again when the group had vanished. */
async function withGroup<T>(redis: Redis, action: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!starts(error, 'NOGROUP') && !starts(error, 'UNBLOCKED')) throw error;
      await createGroup(redis);
    }
  }
}

function wrongWith(values: Map<string, string>): string | undefined {
  for (const field of ['productId', 'userId', 'quantity', 'timestamp']) {
    if (!values.has(field)) return `${field} is missing`;
  }
  for (const [field, least] of [
    ['quantity', 1],
    ['timestamp', 0],
  ] as const) {
    const value = values.get(field)!;
    if (!/^\d+$/.test(value)) return `${field} is not a whole number`;
    if (!Number.isSafeInteger(Number(value))) return `${field} is too large`;
    if (Number(value) < least) return `${field} is too small`;
  }
  return undefined;
}

async function putAside(
  redis: Redis,
  { id, fields }: Delivery,
  ...reason: string[]
): Promise<void> {
  const results = await redis
    .multi()
    .xadd(DEAD, '*', ...fields, 'originalId', id, ...reason)
    .xack(NEW, GROUP, id)
    .exec();
  for (const [error] of results ?? []) if (error) throw error;
}

async function settle(
  redis: Redis,
  delivery: Delivery,
  handleOrder: OrderHandler,
  signal?: AbortSignal,
): Promise<boolean> {
  const { id, fields, count } = delivery;
  const values = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) values.set(fields[i]!, fields[i + 1]!);
  const reason = wrongWith(values);
  if (reason !== undefined) {
    await putAside(redis, delivery, 'reason', reason);
    return false;
  }
  if (count > 3) {
    await putAside(redis, delivery);
    return false;
  }
  const order: Order = {
    productId: values.get('productId')!,
    userId: values.get('userId')!,
    quantity: Number(values.get('quantity')),
    timestamp: Number(values.get('timestamp')),
  };
  if (!(await inTime(handled(handleOrder, order, id), signal))) return false;
  await redis.xack(NEW, GROUP, id);
  return true;
}

async function handled(handleOrder: OrderHandler, order: Order, id: string): Promise<boolean> {
  try {
    await handleOrder(order, id);
  } catch {
    return false;
  }
  return true;
}

async function inTime(outcome: Promise<boolean>, signal?: AbortSignal): Promise<boolean> {
  if (!signal) return outcome;
  const over = new AbortController();
  const late = (async () => {
    await new Promise<void>((resolve) => {
      if (signal.aborted) return resolve();
      signal.addEventListener('abort', () => resolve(), { once: true, signal: over.signal });
    });
    await sleep(500, undefined, { signal: over.signal }).catch(() => {});
    return false;
  })();
  try {
    return await Promise.race([outcome, late]);
  } finally {
    over.abort();
  }
}

async function countOf(redis: Redis, id: string): Promise<number> {
  const rows = (await redis.xpending(NEW, GROUP, id, id, 1)) as Row[];
  return rows[0]?.[3] ?? 1;
}

/** All that has been left, one after the other; each is taken when it is asked for. */
async function* left(
  redis: Redis,
  name: string,
  minIdleMs: number,
): AsyncGenerator<Delivery, void> {
  let cursor = '0-0';
  do {
    const [next, entries] = (await redis.xautoclaim(
      NEW,
      GROUP,
      name,
      minIdleMs,
      cursor,
      'COUNT',
      1,
    )) as [string, [string, Fields][]];
    cursor = next;
    for (const [id, fields] of entries) yield { id, fields, count: await countOf(redis, id) };
  } while (cursor !== '0-0');
}

/** All that comes to the worker, for ever. Nothing, now and then, so that it can be stopped. */
async function* deliveries(
  redis: Redis,
  name: string,
  minIdleMs: number,
  signal: AbortSignal,
): AsyncGenerator<Delivery | undefined, never> {
  let look = Date.now() + minIdleMs / 2;
  let seen: Set<string> | undefined = new Set();
  async function* lookAround(): AsyncGenerator<Delivery, void> {
    if (Date.now() < look) return;
    const source = left(redis, name, minIdleMs);
    for (;;) {
      // The generator is over when it has thrown: the next look begins anew.
      const { done, value } = await withGroup(redis, () => source.next());
      if (done) break;
      seen?.add(value.id);
      yield value;
    }
    look = Date.now() + minIdleMs / 2;
  }

  let last = '0';
  for (;;) {
    yield* lookAround();
    const from = last === '0' ? '-' : `(${last}`;
    const rows = await withGroup(
      redis,
      async () => (await redis.xpending(NEW, GROUP, from, '+', 4, name)) as Row[],
    );
    if (rows.length === 0) break;
    const known = rows.findIndex(([id]) => seen!.has(id));
    if (known === 0) {
      last = rows[0]![0];
      continue;
    }
    const count = known === -1 ? rows.length : known;
    const reply = await withGroup(
      redis,
      async () =>
        (await redis.xreadgroup(
          'GROUP',
          GROUP,
          name,
          'COUNT',
          count,
          'STREAMS',
          NEW,
          last,
        )) as Reply,
    );
    for (const [id, fields] of reply?.[0]?.[1] ?? []) {
      last = id;
      if (fields === null) await redis.xack(NEW, GROUP, id);
      else if (!seen.has(id))
        yield { id, fields, count: await withGroup(redis, () => countOf(redis, id)) };
    }
  }
  seen = undefined;
  look = 0;

  for (;;) {
    yield* lookAround();
    const reply = await withGroup(
      redis,
      async () =>
        (await redis.xreadgroup('GROUP', GROUP, name, 'COUNT', 1, 'STREAMS', NEW, '>')) as Reply,
    );
    const entry = reply?.[0]?.[1][0];
    if (entry?.[1]) yield { id: entry[0], fields: entry[1], count: 1 };
    else {
      await sleep(Math.max(5, Math.min(40, minIdleMs / 4)), undefined, { signal }).catch(() => {});
      yield undefined;
    }
  }
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  { signal, minIdleMs }: WorkerOptions,
): Promise<void> {
  if (signal.aborted) return;
  await createGroup(redis);
  if (signal.aborted) return;
  for await (const delivery of deliveries(redis, name, minIdleMs, signal)) {
    if (signal.aborted) return;
    if (delivery) await settle(redis, delivery, handleOrder, signal);
    if (signal.aborted) return;
  }
}

export async function pendingByWorker(redis: Redis): Promise<Record<string, number>> {
  const summary = (await redis.xpending(NEW, GROUP)) as [
    number,
    string,
    string,
    [string, string][] | null,
  ];
  return Object.fromEntries(
    (summary[3] ?? []).map(([name, count]) => [name, Number(count)] as const),
  );
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  let count = 0;
  for await (const delivery of left(redis, name, minIdleMs)) {
    if (await settle(redis, delivery, handleOrder)) count += 1;
  }
  return count;
}
