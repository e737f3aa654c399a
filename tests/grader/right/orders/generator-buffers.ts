// An async generator says what comes next, and one loop works on it. Entries are read as Buffers, so that what is given up
// is copied byte for byte. XAUTOCLAIM with COUNT 1, its cursor followed to the end.
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

const settings = {
  stream: 'orders:new',
  dead: 'orders:dead',
  group: 'order_processors',
  maxLength: 10_000,
  maxDeliveries: 3,
  graceMs: 500,
  blockMs: 300,
} as const;

/** An order that this consumer holds, and how often it was handed out. */
interface Delivery {
  id: string;
  fields: Buffer[];
  count: number;
}

type RawEntry = [id: Buffer, fields: Buffer[] | null];

export async function publishOrder(redis: Redis, order: Order): Promise<string> {
  const id = await redis.xadd(
    settings.stream,
    'MAXLEN',
    '~',
    settings.maxLength,
    '*',
    ...(['productId', 'userId', 'quantity', 'timestamp'] as const).flatMap((field) => [
      field,
      String(order[field]),
    ]),
  );
  if (!id) throw new Error('no id');
  return id;
}

export async function createGroup(redis: Redis): Promise<void> {
  try {
    await redis.xgroup('CREATE', settings.stream, settings.group, '0', 'MKSTREAM');
  } catch (error) {
    const isThere = error instanceof Error && error.message.startsWith('BUSYGROUP');
    if (!isThere) throw error;
  }
}

const isVanished = (error: unknown): boolean =>
  error instanceof Error && /^(NOGROUP|UNBLOCKED)/.test(error.message);

function toOrder(fields: Buffer[]): { order: Order } | { reason: string } {
  const found: Partial<Record<keyof Order, string>> = {};
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i]!.toString();
    if (name === 'productId' || name === 'userId' || name === 'quantity' || name === 'timestamp') {
      found[name] = fields[i + 1]!.toString();
    }
  }
  const { productId, userId, quantity, timestamp } = found;
  if (
    productId === undefined ||
    userId === undefined ||
    quantity === undefined ||
    timestamp === undefined
  ) {
    return { reason: 'a field is missing' };
  }
  const digits = /^\d+$/;
  if (!digits.test(quantity) || !/[1-9]/.test(quantity))
    return { reason: `quantity: ${JSON.stringify(quantity)}` };
  if (!digits.test(timestamp)) return { reason: `timestamp: ${JSON.stringify(timestamp)}` };
  return { order: { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) } };
}

/** How often it was handed out; 0 when somebody else holds it by now. One that nobody holds counts as new. */
async function countDeliveries(redis: Redis, name: string, id: string): Promise<number> {
  const [row] = (await redis.xpending(settings.stream, settings.group, id, id, 1)) as [
    string,
    string,
    number,
    number,
  ][];
  if (row === undefined) return 1;
  return row[1] === name ? Number(row[3]) : 0;
}

async function buryIt(redis: Redis, delivery: Delivery, reason: string): Promise<void> {
  await redis.xadd(
    settings.dead,
    '*',
    ...delivery.fields,
    'originalId',
    delivery.id,
    'reason',
    reason,
  );
  await redis.xack(settings.stream, settings.group, delivery.id);
}

/** Everything that is due, once each, from the first to the last. */
async function* dueOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  signal?: AbortSignal,
): AsyncGenerator<Delivery> {
  let cursor = '0-0';
  do {
    const [next, entries] = (await redis.callBuffer(
      'XAUTOCLAIM',
      settings.stream,
      settings.group,
      name,
      minIdleMs,
      cursor,
      'COUNT',
      1,
    )) as [Buffer, RawEntry[]];
    cursor = next.toString();
    for (const [rawId, fields] of entries) {
      const id = rawId.toString();
      if (fields === null) {
        await redis.xack(settings.stream, settings.group, id);
        continue;
      }
      const count = await countDeliveries(redis, name, id);
      if (count > 0) yield { id, fields, count };
    }
  } while (cursor !== '0-0' && !signal?.aborted);
}

/** What the consumer holds already, once each. */
async function* ownOrders(
  redis: Redis,
  name: string,
  after: { id: string },
  signal: AbortSignal,
): AsyncGenerator<Delivery> {
  while (!signal.aborted) {
    const reply = await redis.xreadgroupBuffer(
      'GROUP',
      settings.group,
      name,
      'COUNT',
      1,
      'STREAMS',
      settings.stream,
      after.id,
    );
    const entry = reply?.[0]?.[1][0];
    if (!entry) return;
    const id = entry[0].toString();
    after.id = id;
    if (entry[1] === null) {
      await redis.xack(settings.stream, settings.group, id);
      continue;
    }
    const count = await countDeliveries(redis, name, id);
    if (count > 0) yield { id, fields: entry[1], count };
  }
}

/** One new order, or none within `blockMs`. */
async function* newOrder(reader: Redis, name: string, blockMs: number): AsyncGenerator<Delivery> {
  const reply = await reader.xreadgroupBuffer(
    'GROUP',
    settings.group,
    name,
    'COUNT',
    1,
    'BLOCK',
    blockMs,
    'STREAMS',
    settings.stream,
    '>',
  );
  const entry = reply?.[0]?.[1][0];
  if (entry) yield { id: entry[0].toString(), fields: entry[1] ?? [], count: 1 };
}

/** What the worker has to do next, until it is stopped: its own, then what is due whenever it is time to look, and what is new. */
async function* everything(
  redis: Redis,
  reader: Redis,
  name: string,
  minIdleMs: number,
  signal: AbortSignal,
): AsyncGenerator<Delivery> {
  const after = { id: '0-0' };
  const lookEveryMs = minIdleMs / 4;
  let ownLeft = true;
  let nextLook = 0;
  while (!signal.aborted) {
    try {
      if (ownLeft) {
        yield* ownOrders(redis, name, after, signal);
        ownLeft = false;
      }
      if (performance.now() >= nextLook) {
        nextLook = performance.now() + lookEveryMs;
        yield* dueOrders(redis, name, minIdleMs, signal);
      }
      if (signal.aborted) return;
      const untilLook = Math.max(1, Math.round(nextLook - performance.now()));
      yield* newOrder(reader, name, Math.min(settings.blockMs, untilLook));
    } catch (error) {
      if (!isVanished(error)) throw error;
      await createGroup(redis);
    }
  }
}

type Verdict = 'succeeded' | 'failed' | 'left behind';

async function judge(
  handleOrder: OrderHandler,
  order: Order,
  id: string,
  signal: AbortSignal | undefined,
): Promise<Verdict> {
  const stop = new AbortController();
  const limit = new Promise<Verdict>((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    signal?.addEventListener(
      'abort',
      () => {
        timer = setTimeout(() => resolve('left behind'), settings.graceMs);
      },
      { once: true, signal: stop.signal },
    );
    stop.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
  const call = async (): Promise<Verdict> => {
    try {
      await handleOrder(order, id);
      return 'succeeded';
    } catch {
      return 'failed';
    }
  };
  const verdict = await Promise.race([call(), limit]);
  stop.abort();
  return verdict;
}

async function serve(
  redis: Redis,
  delivery: Delivery,
  handleOrder: OrderHandler,
  signal?: AbortSignal,
): Promise<Verdict> {
  const parsed = toOrder(delivery.fields);
  if ('reason' in parsed) {
    await buryIt(redis, delivery, parsed.reason);
    return 'failed';
  }
  if (delivery.count > settings.maxDeliveries) {
    await buryIt(redis, delivery, `delivered ${delivery.count} times`);
    return 'failed';
  }
  if (signal?.aborted) return 'left behind';
  const verdict = await judge(handleOrder, parsed.order, delivery.id, signal);
  if (verdict === 'succeeded') await redis.xack(settings.stream, settings.group, delivery.id);
  return verdict;
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  { signal, minIdleMs }: WorkerOptions,
): Promise<void> {
  if (signal.aborted) return;
  await createGroup(redis);
  const reader = redis.duplicate({
    lazyConnect: false,
    enableOfflineQueue: true,
    commandTimeout: undefined,
  });
  reader.on('error', () => {});
  const work = everything(redis, reader, name, minIdleMs, signal);
  try {
    while (!signal.aborted) {
      const next = await work.next();
      if (next.done || signal.aborted) break;
      await serve(redis, next.value, handleOrder, signal);
    }
  } finally {
    await work.return(undefined);
    await reader.quit().catch(() => reader.disconnect());
  }
}

export async function pendingByWorker(redis: Redis): Promise<Record<string, number>> {
  const [, , , consumers] = (await redis.xpending(settings.stream, settings.group)) as [
    number,
    string | null,
    string | null,
    [string, string][] | null,
  ];
  return Object.fromEntries(
    (consumers ?? []).map(([name, count]) => [name, Number(count)] as const),
  );
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  let handled = 0;
  for await (const delivery of dueOrders(redis, name, minIdleMs)) {
    if ((await serve(redis, delivery, handleOrder)) === 'succeeded') handled += 1;
  }
  return handled;
}
