// Style: batches of ten, handled side by side, with one XACK for all that succeeded; XPENDING and XCLAIM to take over.
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

/** Handles a batch, acknowledges what succeeded, and returns how many did. */
async function handleBatch(redis: Redis, entries: Entry[], handle: OrderHandler): Promise<number> {
  const done: string[] = [];
  let handled = 0;
  const results = await Promise.allSettled(
    entries.map(async ([id, fields]) => {
      if (!fields) return done.push(id);
      const [info] = (await redis.xpending(STREAM, GROUP, id, id, 1)) as Pending[];
      if (info && info[3] > 3) {
        await redis
          .multi()
          .xadd('orders:dead', '*', ...fields, 'originalId', id)
          .xack(STREAM, GROUP, id)
          .exec();
        return 0;
      }
      await handle(parse(fields), id);
      handled++;
      return done.push(id);
    }),
  );
  void results;
  if (done.length > 0) await redis.xack(STREAM, GROUP, ...done);
  return handled;
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  let handled = 0;
  let start = '-';
  for (;;) {
    const page = (await redis.xpending(
      STREAM,
      GROUP,
      'IDLE',
      minIdleMs,
      start,
      '+',
      40,
    )) as Pending[];
    const last = page.at(-1);
    if (!last) return handled;
    const ids = page.map(([id]) => id);
    const claimed = (await redis.xclaim(
      STREAM,
      GROUP,
      name,
      minIdleMs,
      ...ids,
    )) as (Entry | null)[];
    const there = new Set(claimed.map((entry) => entry?.[0]));
    handled += await handleBatch(
      redis,
      claimed.filter((entry) => entry !== null),
      handleOrder,
    );
    for (const id of ids) {
      // Not claimed: somebody was quicker, or it was trimmed away.
      if (!there.has(id) && (await redis.xrange(STREAM, id, id)).length === 0)
        await redis.xack(STREAM, GROUP, id);
    }
    start = `(${last[0]}`;
  }
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  { signal, minIdleMs }: WorkerOptions,
): Promise<void> {
  await createGroup(redis);
  const reader = redis.duplicate();
  let looked = 0;
  try {
    let after = '0';
    for (;;) {
      const own = await redis.xreadgroup(
        'GROUP',
        GROUP,
        name,
        'COUNT',
        10,
        'STREAMS',
        STREAM,
        after,
      );
      const entries = own?.[0]?.[1] ?? [];
      if (entries.length === 0 || signal.aborted) break;
      await handleBatch(redis, entries, handleOrder);
      after = entries.at(-1)?.[0] ?? after;
    }
    while (!signal.aborted) {
      if (Date.now() - looked > minIdleMs / 2) {
        await reclaimOrders(redis, name, minIdleMs, handleOrder);
        looked = Date.now();
      }
      const reply = await reader.xreadgroup(
        'GROUP',
        GROUP,
        name,
        'COUNT',
        10,
        'BLOCK',
        Math.min(200, minIdleMs),
        'STREAMS',
        STREAM,
        '>',
      );
      await handleBatch(redis, reply?.[0]?.[1] ?? [], handleOrder);
    }
  } finally {
    reader.disconnect();
  }
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
