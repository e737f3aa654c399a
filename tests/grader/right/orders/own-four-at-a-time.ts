// Style: what this name has left is finished four at a time, side by side; short blocking reads, and no listener at all.
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

interface Shift {
  redis: Redis;
  name: string;
  handle: OrderHandler;
  signal?: AbortSignal;
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  return await takeOver({ redis, name, handle: handleOrder }, minIdleMs);
}

async function takeOver(shift: Shift, minIdleMs: number): Promise<number> {
  let handled = 0;
  let cursor = '0-0';
  do {
    const options = [minIdleMs, cursor, 'COUNT', 4] as const;
    const page = await shift.redis.xautoclaim(STREAM, GROUP, shift.name, ...options);
    const [next, entries] = page as [string, (Entry | null)[]];
    const results = await Promise.all(
      entries.map((entry) => (entry ? settle(shift, entry) : false)),
    );
    handled += results.filter(Boolean).length;
    cursor = next;
  } while (cursor !== '0-0' && !shift.signal?.aborted);
  return handled;
}

async function finishOwn(shift: Shift): Promise<void> {
  let after = '0';
  while (!shift.signal?.aborted) {
    const place = ['COUNT', 4, 'STREAMS', STREAM, after] as const;
    const reply = await shift.redis.xreadgroup('GROUP', GROUP, shift.name, ...place);
    const entries: Entry[] = reply?.[0]?.[1] ?? [];
    const last = entries.at(-1);
    if (!last) return;
    await Promise.all(entries.map((entry) => settle(shift, entry)));
    after = last[0];
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
  const shift = { redis, name, handle: handleOrder, signal };
  let isOwnDone = false;
  let next = Date.now();
  try {
    while (!signal.aborted) {
      try {
        if (!isOwnDone) await finishOwn(shift);
        isOwnDone = true;
        if (Date.now() >= next) {
          await takeOver(shift, minIdleMs);
          next = Date.now() + minIdleMs / 2;
        }
        if (signal.aborted) break;
        const place = ['COUNT', 1, 'BLOCK', 100, 'STREAMS', STREAM, '>'] as const;
        const reply = await reader.xreadgroup('GROUP', GROUP, name, ...place);
        for (const entry of reply?.[0]?.[1] ?? []) await settle(shift, entry);
      } catch (error) {
        if (!isGone(error)) throw error;
        await createGroup(redis);
      }
    }
  } finally {
    reader.disconnect();
  }
}

async function settle(shift: Shift, [id, fields]: Entry): Promise<boolean> {
  const { redis, handle, signal } = shift;
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
  const outcome = await attempt(async () => await handle(order, id), signal);
  if (outcome !== 'done') return false;
  await redis.xack(STREAM, GROUP, id);
  return true;
}

/** Looks now and then whether the worker was told to stop; half a second later, it does not wait any longer. */
async function attempt(
  work: () => Promise<void>,
  signal?: AbortSignal,
): Promise<'done' | 'failed' | 'left'> {
  let outcome: 'done' | 'failed' | undefined;
  const working = work().then(
    () => {
      outcome = 'done';
    },
    () => {
      outcome = 'failed';
    },
  );
  let patienceMs = 500;
  while (!outcome && patienceMs > 0) {
    const started = Date.now();
    const wasAborted = signal?.aborted;
    let timer: NodeJS.Timeout | undefined;
    const aWhile = new Promise((resolve) => {
      timer = setTimeout(resolve, 50);
    });
    await Promise.race([working, aWhile]);
    clearTimeout(timer);
    if (wasAborted) patienceMs -= Date.now() - started;
  }
  return outcome ?? 'left';
}

async function bury(redis: Redis, id: string, fields: string[]): Promise<void> {
  await redis.xadd('orders:dead', '*', 'originalId', id, ...fields);
  await redis.xack(STREAM, GROUP, id);
}

const isGone = (error: unknown) =>
  error instanceof Error && /^(NOGROUP|UNBLOCKED)/.test(error.message);

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
