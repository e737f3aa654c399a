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

async function finishOwn(
  redis: Redis,
  name: string,
  handle: OrderHandler,
  signal: AbortSignal,
): Promise<void> {
  let after = '0-0';
  while (!signal.aborted) {
    const reply = await redis.xreadgroup(
      'GROUP',
      GROUP,
      name,
      'COUNT',
      1,
      'STREAMS',
      STREAM,
      after,
    );
    const [entry] = reply?.[0]?.[1] ?? [];
    if (!entry) return;
    await one(redis, entry, handle);
    after = entry[0];
  }
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  { signal, minIdleMs }: WorkerOptions,
): Promise<void> {
  await createGroup(redis);
  await finishOwn(redis, name, handleOrder, signal);
  const reader = redis.duplicate();
  const stop = () => reader.disconnect();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);

  const takeOver = async () => {
    while (!signal.aborted) {
      await reclaimOrders(redis, name, minIdleMs, handleOrder);
      await sleep(minIdleMs / 3, undefined, { signal }).catch(() => {});
    }
  };
  const work = async () => {
    while (!signal.aborted) {
      const reply = await reader
        .xreadgroup('GROUP', GROUP, name, 'COUNT', 1, 'BLOCK', 0, 'STREAMS', STREAM, '>')
        .catch((error) => {
          if (!signal.aborted) throw error;
          return null;
        });
      for (const entry of reply?.[0]?.[1] ?? []) await one(redis, entry, handleOrder);
    }
  };
  await Promise.all([takeOver(), work()]);
  signal.removeEventListener('abort', stop);
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
