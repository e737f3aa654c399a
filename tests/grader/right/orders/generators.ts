// Style: async generators for what is left and what is new, pipelines for the bookkeeping.
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

async function* abandoned(redis: Redis, name: string, minIdleMs: number): AsyncGenerator<Entry> {
  let cursor = '0-0';
  do {
    const page = await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor, 'COUNT', 7);
    const [next, entries] = page as [string, (Entry | null)[]];
    for (const entry of entries) if (entry) yield entry;
    cursor = next;
  } while (cursor !== '0-0');
}

async function* own(redis: Redis, name: string): AsyncGenerator<Entry> {
  let after = '0';
  for (;;) {
    const reply = await redis.xreadgroup(
      'GROUP',
      GROUP,
      name,
      'COUNT',
      3,
      'STREAMS',
      STREAM,
      after,
    );
    const entries = reply?.[0]?.[1] ?? [];
    if (entries.length === 0) return;
    for (const entry of entries) yield entry;
    after = entries.at(-1)?.[0] ?? after;
  }
}

async function* fresh(reader: Redis, name: string): AsyncGenerator<Entry | undefined> {
  for (;;) {
    const reply = await reader.xreadgroup(
      'GROUP',
      GROUP,
      name,
      'COUNT',
      3,
      'BLOCK',
      120,
      'STREAMS',
      STREAM,
      '>',
    );
    for (const entry of reply?.[0]?.[1] ?? []) yield entry;
    yield undefined; // a pause to breathe, and to look around
  }
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  let handled = 0;
  for await (const entry of abandoned(redis, name, minIdleMs))
    if (await one(redis, entry, handleOrder)) handled++;
  return handled;
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  { signal, minIdleMs }: WorkerOptions,
): Promise<void> {
  await createGroup(redis);
  const reader = redis.duplicate();
  try {
    for await (const entry of own(redis, name)) {
      if (signal.aborted) return;
      await one(redis, entry, handleOrder);
    }
    let looked = 0;
    for await (const entry of fresh(reader, name)) {
      if (entry) await one(redis, entry, handleOrder);
      if (signal.aborted) return;
      if (Date.now() - looked >= minIdleMs / 2) {
        await reclaimOrders(redis, name, minIdleMs, handleOrder);
        looked = Date.now();
      }
    }
  } finally {
    reader.disconnect();
  }
}

async function one(redis: Redis, [id, fields]: Entry, handle: OrderHandler): Promise<boolean> {
  if (!fields) {
    await redis.pipeline().xack(STREAM, GROUP, id).exec();
    return false;
  }
  const looked = await redis.pipeline().xpending(STREAM, GROUP, id, id, 1).exec();
  const [info] = (looked?.[0]?.[1] ?? []) as Pending[];
  if (info && info[3] >= 4) {
    await redis
      .pipeline()
      .xadd('orders:dead', '*', ...fields, 'originalId', id, 'deliveries', info[3])
      .xack(STREAM, GROUP, id)
      .exec();
    return false;
  }
  return handle(parse(fields), id).then(
    async () => (await redis.xack(STREAM, GROUP, id)) === 1,
    () => false,
  );
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
