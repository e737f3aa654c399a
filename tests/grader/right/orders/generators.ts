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
    const place = ['COUNT', 3, 'STREAMS', STREAM, after] as const;
    const reply = await redis.xreadgroup('GROUP', GROUP, name, ...place);
    const entries = reply?.[0]?.[1] ?? [];
    if (entries.length === 0) return;
    for (const entry of entries) yield entry;
    after = entries.at(-1)?.[0] ?? after;
  }
}

async function* fresh(reader: Redis, name: string): AsyncGenerator<Entry | undefined> {
  for (;;) {
    const place = ['COUNT', 3, 'BLOCK', 120, 'STREAMS', STREAM, '>'] as const;
    const reply = await reader.xreadgroup('GROUP', GROUP, name, ...place);
    for (const entry of reply?.[0]?.[1] ?? []) yield entry;
    yield undefined; // a pause to breathe, and to look around
  }
}

/** All that there is to do: what this name has left, then what comes, and in between what others have left. */
async function* everything(
  redis: Redis,
  reader: Redis,
  name: string,
  minIdleMs: number,
): AsyncGenerator<Entry | undefined> {
  yield* own(redis, name);
  let looked = 0;
  for await (const entry of fresh(reader, name)) {
    yield entry;
    if (!entry && Date.now() - looked >= minIdleMs / 2) {
      looked = Date.now();
      yield* abandoned(redis, name, minIdleMs);
    }
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
  if (signal.aborted) return;
  await createGroup(redis);
  const reader = redis.duplicate();
  try {
    while (!signal.aborted) {
      try {
        for await (const entry of everything(redis, reader, name, minIdleMs)) {
          if (signal.aborted) return;
          if (entry) await one(redis, entry, handleOrder, signal);
          if (signal.aborted) return;
        }
      } catch (error) {
        const said = error instanceof Error ? error.message : '';
        if (!said.startsWith('NOGROUP') && !said.startsWith('UNBLOCKED')) throw error;
        await createGroup(redis);
      }
    }
  } finally {
    reader.disconnect();
  }
}

async function one(
  redis: Redis,
  [id, fields]: Entry,
  handle: OrderHandler,
  signal?: AbortSignal,
): Promise<boolean> {
  if (!fields) {
    await redis.pipeline().xack(STREAM, GROUP, id).exec();
    return false;
  }
  const looked = await redis.pipeline().xpending(STREAM, GROUP, id, id, 1).exec();
  const [failed, found] = looked?.[0] ?? [];
  if (failed) throw failed;
  const [info] = (found ?? []) as Pending[];
  const order = parse(fields);
  if (typeof order === 'string' || (info && info[3] >= 4)) {
    const reason = typeof order === 'string' ? order : `${info?.[3]} deliveries`;
    await redis
      .pipeline()
      .xadd('orders:dead', '*', ...fields, 'originalId', id, 'reason', reason)
      .xack(STREAM, GROUP, id)
      .exec();
    return false;
  }
  if (signal?.aborted) return false;
  const handling = (async () => await handle(order, id))();
  const isDone = await Promise.race([
    handling.then(
      () => true,
      () => false,
    ),
    ...(signal ? [half(signal)] : []),
  ]);
  if (isDone) await redis.xack(STREAM, GROUP, id);
  return isDone;
}

/** False, half a second after the abort. There is one such promise for each signal. */
function half(signal: AbortSignal): Promise<false> {
  const known = halves.get(signal);
  if (known) return known;
  const late = new Promise<false>((resolve) => {
    signal.addEventListener('abort', () => setTimeout(resolve, 550, false).unref(), { once: true });
  });
  halves.set(signal, late);
  return late;
}
const halves = new WeakMap<AbortSignal, Promise<false>>();

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
