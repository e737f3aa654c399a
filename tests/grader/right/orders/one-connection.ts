// Style: no connection but the one that was given; short blocking reads on it, five entries at a time.
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
  do {
    const page = await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor, 'COUNT', 5);
    const [next, entries] = page as [string, (Entry | null)[]];
    for (const entry of entries)
      if (entry && (await one(redis, entry, handleOrder, signal))) handled++;
    cursor = next;
  } while (cursor !== '0-0' && !signal?.aborted);
  return handled;
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  { signal, minIdleMs }: WorkerOptions,
): Promise<void> {
  let id = '0'; // first what this name has left; then, from the last of it on, '>'
  while (!signal.aborted) {
    try {
      await createGroup(redis);
      while (!signal.aborted) {
        if (id === '>') await reclaimOrders(redis, name, minIdleMs, handleOrder, signal);
        if (signal.aborted) return;
        const place = ['COUNT', 5, 'BLOCK', 100, 'STREAMS', STREAM, id] as const;
        const reply = await redis.xreadgroup('GROUP', GROUP, name, ...place);
        const entries: Entry[] = reply?.[0]?.[1] ?? [];
        for (const entry of entries) await one(redis, entry, handleOrder, signal);
        if (id !== '>') id = entries.at(-1)?.[0] ?? '>';
      }
    } catch (error) {
      if (!/^(NOGROUP|UNBLOCKED)/.test(String((error as Error).message))) throw error;
    }
  }
}

async function one(
  redis: Redis,
  [id, fields]: Entry,
  handle: OrderHandler,
  signal?: AbortSignal,
): Promise<boolean> {
  if (fields) {
    let order: Order;
    try {
      order = parse(fields);
    } catch (error) {
      await bury(redis, id, fields, String(error));
      return false;
    }
    const [info] = (await redis.xpending(STREAM, GROUP, id, id, 1)) as Pending[];
    if (info && info[3] > 3) {
      await bury(redis, id, fields, 'delivered too often');
      return false;
    }
    if (signal?.aborted) return false;
    try {
      await inTime(handle(order, id), signal);
    } catch (error) {
      console.warn(`left ${id} pending: ${error}`);
      return false;
    }
  }
  await redis.xack(STREAM, GROUP, id);
  return fields !== null;
}

async function bury(redis: Redis, id: string, fields: string[], why: string): Promise<void> {
  await redis.xadd('orders:dead', '*', 'reason', why, 'originalId', id, ...fields);
  await redis.xack(STREAM, GROUP, id);
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
