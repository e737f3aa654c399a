// Style: batches of ten, handled side by side, with one XACK for all that succeeded; XPENDING and XCLAIM to take over.
import { once } from 'node:events';
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

/** Handles a batch, acknowledges what succeeded, and returns how many did. */
async function handleBatch(
  redis: Redis,
  entries: Entry[],
  handle: OrderHandler,
  signal: AbortSignal,
): Promise<number> {
  const handled: string[] = [];
  const gone: string[] = [];
  const over = new AbortController();
  const tooLate = lastCall(signal, over.signal);
  tooLate.catch(() => {}); // also when nobody waits for it
  await Promise.allSettled(
    entries.map(async ([id, fields]) => {
      if (!fields) return gone.push(id);
      const order = parse(fields);
      if (typeof order === 'string') return await putAside(redis, id, fields, order);
      const [info] = (await redis.xpending(STREAM, GROUP, id, id, 1)) as Pending[];
      if (info && info[3] > 3) return await putAside(redis, id, fields, 'poison');
      if (signal.aborted) return 0;
      await Promise.race([handle(order, id), tooLate]);
      return handled.push(id);
    }),
  );
  over.abort();
  const done = [...handled, ...gone];
  if (done.length > 0) await redis.xack(STREAM, GROUP, ...done);
  return handled.length;
}

/** Rejects half a second after the abort, unless it is over by then. */
async function lastCall(signal: AbortSignal, over: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort', { signal: over });
  await sleep(530, undefined, { signal: over });
  throw new Error('left behind');
}

async function putAside(redis: Redis, id: string, fields: string[], why: string): Promise<void> {
  await redis
    .multi()
    .xadd('orders:dead', '*', ...fields, 'originalId', id, 'reason', why)
    .xack(STREAM, GROUP, id)
    .exec();
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
  signal: AbortSignal = new AbortController().signal,
): Promise<number> {
  let handled = 0;
  let start = '-';
  while (!signal.aborted) {
    const idle = ['IDLE', minIdleMs, start, '+', 10] as const;
    const page = (await redis.xpending(STREAM, GROUP, ...idle)) as Pending[];
    const last = page.at(-1);
    if (!last) break;
    const ids = page.map(([id]) => id);
    const claimed = (await redis.xclaim(
      STREAM,
      GROUP,
      name,
      minIdleMs,
      ...ids,
    )) as (Entry | null)[];
    const entries = claimed.filter((entry) => entry !== null);
    handled += await handleBatch(redis, entries, handleOrder, signal);
    const there = new Set(entries.map(([id]) => id));
    for (const id of ids) {
      // Not claimed: somebody was quicker, or it was trimmed away.
      if (!there.has(id) && (await redis.xrange(STREAM, id, id)).length === 0)
        await redis.xack(STREAM, GROUP, id);
    }
    start = `(${last[0]}`;
  }
  return handled;
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
  let looked = 0;
  let after = '0'; // what this name has left; then '>'
  try {
    while (!signal.aborted) {
      try {
        if (after === '>' && Date.now() - looked > minIdleMs / 2) {
          await reclaimOrders(redis, name, minIdleMs, handleOrder, signal);
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
          after,
        );
        const entries: Entry[] = reply?.[0]?.[1] ?? [];
        await handleBatch(redis, entries, handleOrder, signal);
        if (after !== '>') after = entries.at(-1)?.[0] ?? '>';
      } catch (error) {
        if (!(error instanceof Error && /^(NOGROUP|UNBLOCKED)/.test(error.message))) throw error;
        await createGroup(redis);
      }
    }
  } finally {
    reader.disconnect();
  }
}

/** The order, or what is wrong with it. */
function parse(fields: string[]): Order | string {
  const map = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) map.set(fields[i] ?? '', fields[i + 1] ?? '');
  const [productId, userId] = [map.get('productId'), map.get('userId')];
  const [quantity, timestamp] = [map.get('quantity') ?? '', map.get('timestamp') ?? ''];
  if (productId === undefined) return 'no productId';
  if (userId === undefined) return 'no userId';
  if (!/^[0-9]+$/.test(quantity) || Number(quantity) < 1) return 'no such quantity';
  if (!/^[0-9]+$/.test(timestamp)) return 'no such timestamp';
  return { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) };
}
