// Style: a long BLOCK, which an abort ends with CLIENT UNBLOCK from the other connection.
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
  const counts: Record<string, number> = {};
  let start = '-';
  for (;;) {
    const page = (await redis.xpending(STREAM, GROUP, start, '+', 50)) as Pending[];
    for (const [, name] of page) counts[name] = (counts[name] ?? 0) + 1;
    const last = page.at(-1);
    if (!last) return counts;
    start = `(${last[0]}`;
  }
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
    const page = await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor, 'COUNT', 3);
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
  const reader = redis.duplicate();
  const readerId = await reader.client('ID');
  let reading = false;
  let woken: Promise<void> | undefined;
  const wake = () => {
    woken = (async () => {
      // It may be just about to block: ask until it has come back.
      while (reading) await redis.client('UNBLOCK', readerId);
    })();
  };
  signal.addEventListener('abort', wake);
  let isMissing = true;
  let ownDone = false;
  let next = 0;
  try {
    while (!signal.aborted) {
      try {
        if (isMissing) await createGroup(redis);
        isMissing = false;
        if (!ownDone) await finishOwn(redis, name, handleOrder, signal);
        ownDone = true;
        if (Date.now() >= next) {
          await reclaimOrders(redis, name, minIdleMs, handleOrder, signal);
          next = Date.now() + minIdleMs / 2;
        }
        if (signal.aborted) break;
        reading = true;
        const blockMs = Math.ceil(Math.max(1, Math.min(20_000, next - Date.now())));
        const news = ['COUNT', 1, 'BLOCK', blockMs, 'STREAMS', STREAM, '>'] as const;
        const reply = await reader.xreadgroup('GROUP', GROUP, name, ...news).finally(() => {
          reading = false;
        });
        for (const entry of reply?.[0]?.[1] ?? []) await one(redis, entry, handleOrder, signal);
      } catch (error) {
        isMissing = error instanceof Error && /^(NOGROUP|UNBLOCKED) /.test(error.message);
        if (!isMissing) throw error;
      }
    }
  } finally {
    signal.removeEventListener('abort', wake);
    await woken;
    reader.disconnect();
  }
}

async function one(
  redis: Redis,
  [id, fields]: Entry,
  handle: OrderHandler,
  signal?: AbortSignal,
): Promise<boolean> {
  if (fields) {
    const order = parse(fields);
    const [info] = (await redis.xpending(STREAM, GROUP, id, id, 1)) as Pending[];
    if (typeof order === 'string' || (info && info[3] > 3)) {
      const reason = typeof order === 'string' ? order : 'poison';
      await redis.xadd('orders:dead', '*', 'originalId', id, ...fields, 'reason', reason);
      await redis.xack(STREAM, GROUP, id);
      return false;
    }
    if (signal?.aborted) return false;
    const outcome = await attempt(() => handle(order, id), signal);
    if (outcome !== 'done') {
      console.warn(`left ${id} pending: ${outcome}`);
      return false;
    }
  }
  await redis.xack(STREAM, GROUP, id);
  return fields !== null;
}

/** What a handler comes to until half a second after the abort. */
function attempt(
  handling: () => Promise<void>,
  signal?: AbortSignal,
): Promise<'done' | 'failed' | 'late'> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      timer = setTimeout(resolve, 520, 'late');
    };
    const end = (outcome: 'done' | 'failed') => {
      signal?.removeEventListener('abort', onAbort);
      clearTimeout(timer);
      resolve(outcome);
    };
    signal?.addEventListener('abort', onAbort);
    (async () => await handling())().then(
      () => end('done'),
      () => end('failed'),
    );
  });
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
