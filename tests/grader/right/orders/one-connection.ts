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
): Promise<number> {
  let handled = 0;
  let cursor = '0-0';
  for (;;) {
    const [next, entries] = (await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor)) as [
      string,
      (Entry | null)[],
    ];
    for (const entry of entries) if (entry && (await one(redis, entry, handleOrder))) handled++;
    if (next === '0-0') return handled;
    cursor = next;
  }
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  { signal, minIdleMs }: WorkerOptions,
): Promise<void> {
  await createGroup(redis);
  // First what this name has left; then, from the last of it on, '>'.
  for (let id = '0'; !signal.aborted; ) {
    const reply = await redis.xreadgroup('GROUP', GROUP, name, 'COUNT', 5, 'STREAMS', STREAM, id);
    const entries = reply?.[0]?.[1] ?? [];
    if (entries.length === 0) break;
    for (const entry of entries) await one(redis, entry, handleOrder);
    id = entries.at(-1)?.[0] ?? id;
  }
  while (!signal.aborted) {
    await reclaimOrders(redis, name, minIdleMs, handleOrder);
    const reply = await redis.xreadgroup(
      'GROUP',
      GROUP,
      name,
      'COUNT',
      5,
      'BLOCK',
      100,
      'STREAMS',
      STREAM,
      '>',
    );
    for (const entry of reply?.[0]?.[1] ?? []) {
      if (signal.aborted) return;
      await one(redis, entry, handleOrder);
    }
  }
}

async function one(redis: Redis, [id, fields]: Entry, handle: OrderHandler): Promise<boolean> {
  if (fields) {
    const [info] = (await redis.xpending(STREAM, GROUP, id, id, 1)) as Pending[];
    if (info && info[3] > 3) {
      await redis
        .multi()
        .xadd('orders:dead', '*', 'originalId', id, ...fields)
        .xack(STREAM, GROUP, id)
        .exec();
      return false;
    }
    try {
      await handle(parse(fields), id);
    } catch (error) {
      console.warn(`left ${id} pending: ${error}`);
      return false;
    }
  }
  await redis.xack(STREAM, GROUP, id);
  return fields !== null;
}

function parse(fields: string[]): Order {
  const map = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) map.set(fields[i] ?? '', fields[i + 1] ?? '');
  return {
    productId: map.get('productId') ?? '',
    userId: map.get('userId') ?? '',
    quantity: Number(map.get('quantity')),
    timestamp: Number(map.get('timestamp')),
  };
}
