// Style: BLOCK 0 on a connection of its own, which an abort disconnects; beside it, a second loop takes over.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';

export interface Order {
  productId: string;
  userId: string;
  quantity: number;
  timestamp: number;
}
export type OrderHandler = (order: Order, id: string) => Promise<void>;
export interface WorkerOptions {
  signal: AbortSignal;
  minIdleMs: number;
}
type Entry = [id: string, fields: string[] | null];
type Pending = [id: string, consumer: string, idleMs: number, deliveries: number];

const STREAM = 'orders:new';
const GROUP = 'order_processors';

export async function publishOrder(redis: Redis, order: Order): Promise<string> {
  const { productId, userId, quantity, timestamp } = order;
  return String(
    await redis.xadd(
      STREAM,
      'MAXLEN',
      '~',
      10_000,
      '*',
      'productId',
      productId,
      'userId',
      userId,
      'quantity',
      quantity,
      'timestamp',
      timestamp,
    ),
  );
}

export async function createGroup(redis: Redis): Promise<void> {
  await redis.xgroup('CREATE', STREAM, GROUP, '0', 'MKSTREAM').catch((error: Error) => {
    if (!error.message.includes('BUSYGROUP')) throw error;
  });
}

export async function pendingByWorker(redis: Redis): Promise<Record<string, number>> {
  const summary = (await redis.xpending(STREAM, GROUP)) as [
    number,
    string,
    string,
    [string, string][] | null,
  ];
  return Object.fromEntries((summary[3] ?? []).map(([name, count]) => [name, Number(count)]));
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
  signal?: AbortSignal,
): Promise<number> {
  let handled = 0;
  let cursor = '0-0';
  while (!signal?.aborted) {
    const page = await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor, 'COUNT', 10);
    const [next, entries] = page as [string, (Entry | null)[]];
    for (const entry of entries)
      if (entry && (await one(redis, entry, handleOrder, signal))) handled++;
    if (next === '0-0') break;
    cursor = next;
  }
  return handled;
}

async function finishOwn(
  redis: Redis,
  name: string,
  handle: OrderHandler,
  signal: AbortSignal,
): Promise<void> {
  let after = '0-0';
  while (!signal.aborted) {
    const own = ['COUNT', 1, 'STREAMS', STREAM, after] as const;
    const reply = await redis.xreadgroup('GROUP', GROUP, name, ...own);
    const [entry] = reply?.[0]?.[1] ?? [];
    if (!entry) return;
    await one(redis, entry, handle, signal);
    after = entry[0];
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
  const reader = redis.duplicate();
  const stop = () => reader.disconnect();
  signal.addEventListener('abort', stop);

  /** Does something; when stream or group have vanished in between, makes them again. */
  const robustly = async (step: () => Promise<unknown>) => {
    try {
      await step();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Error && /^(NOGROUP|UNBLOCKED)/.test(error.message))) throw error;
      await createGroup(redis);
    }
  };
  const takeOver = async () => {
    while (!signal.aborted) {
      await robustly(() => reclaimOrders(redis, name, minIdleMs, handleOrder, signal));
      await sleep(minIdleMs / 3, undefined, { signal }).catch(() => {});
    }
  };
  const work = async () => {
    while (!signal.aborted) {
      await robustly(async () => {
        const news = ['COUNT', 1, 'BLOCK', 0, 'STREAMS', STREAM, '>'] as const;
        const reply = await reader.xreadgroup('GROUP', GROUP, name, ...news);
        for (const entry of reply?.[0]?.[1] ?? []) await one(redis, entry, handleOrder, signal);
      });
    }
  };
  try {
    await robustly(() => finishOwn(redis, name, handleOrder, signal));
    await Promise.all([takeOver(), work()]);
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

async function one(
  redis: Redis,
  [id, fields]: Entry,
  handle: OrderHandler,
  signal?: AbortSignal,
): Promise<boolean> {
  if (!fields) {
    await redis.xack(STREAM, GROUP, id);
    return false;
  }
  let order: Order;
  try {
    order = parse(fields);
  } catch (error) {
    await bury(redis, id, [...fields, 'reason', String(error)]);
    return false;
  }
  const [info] = (await redis.xpending(STREAM, GROUP, id, id, 1)) as Pending[];
  if (info && info[3] > 3) {
    await bury(redis, id, fields);
    return false;
  }
  if (signal?.aborted) return false;
  try {
    await inTime(handle(order, id), signal);
  } catch (error) {
    console.warn(`left ${id} pending: ${error}`);
    return false;
  }
  await redis.xack(STREAM, GROUP, id);
  return true;
}

async function bury(redis: Redis, id: string, fields: string[]): Promise<void> {
  await redis
    .multi()
    .xadd('orders:dead', '*', 'originalId', id, ...fields)
    .xack(STREAM, GROUP, id)
    .exec();
}

/** Waits for a handler, and at most for half a second after the abort. */
async function inTime(handling: Promise<void>, signal?: AbortSignal): Promise<void> {
  if (!signal) return await handling;
  let timer: NodeJS.Timeout | undefined;
  let onAbort = () => {};
  const tooLate = new Promise<never>((_, reject) => {
    onAbort = () => {
      timer = setTimeout(() => reject(new Error('too late')), 550);
    };
  });
  signal.addEventListener('abort', onAbort);
  try {
    await Promise.race([handling, tooLate]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }
}

/** Throws what is wrong with an entry that is no order. */
function parse(fields: string[]): Order {
  const map = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) map.set(fields[i] ?? '', fields[i + 1] ?? '');
  const text = (name: string): string => {
    const value = map.get(name);
    if (value === undefined) throw new RangeError(`${name} is missing`);
    return value;
  };
  const number = (name: string, least: number): number => {
    const value = text(name).trim() === '' ? Number.NaN : Number(text(name));
    if (!Number.isInteger(value) || value < least) throw new RangeError(`${name}: ${text(name)}`);
    return value;
  };
  return {
    productId: text('productId'),
    userId: text('userId'),
    quantity: number('quantity', 1),
    timestamp: number('timestamp', 0),
  };
}
