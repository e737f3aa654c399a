// Style: what this name has left is listed first, and finished from the newest to the oldest; CLIENT UNBLOCK at the stop.
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

/** Hands out one of one's own orders again, which counts as a delivery; nothing, if somebody else has it by now. */
const AGAIN = `
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1, ARGV[3]) == 0 then return {} end
  return redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, ARGV[2])
`;

interface Shift {
  redis: Redis;
  name: string;
  handle: OrderHandler;
  signal: AbortSignal;
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  const { signal } = new AbortController();
  return await takeOver({ redis, name, handle: handleOrder, signal }, minIdleMs);
}

async function takeOver(shift: Shift, minIdleMs: number): Promise<number> {
  const { redis, name, signal } = shift;
  let handled = 0;
  let cursor = '0-0';
  do {
    const page = await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor, 'COUNT', 1);
    const [next, [entry]] = page as [string, (Entry | null)[]];
    if (entry && (await settle(shift, entry))) handled++;
    cursor = next;
  } while (cursor !== '0-0' && !signal.aborted);
  return handled;
}

async function finishOwn(shift: Shift): Promise<void> {
  const { redis, name, signal } = shift;
  const own: string[] = [];
  for (let start = '-'; ; start = `(${own.at(-1)}`) {
    const page = (await redis.xpending(STREAM, GROUP, start, '+', 100, name)) as Pending[];
    if (page.length === 0) break;
    own.push(...page.map(([id]) => id));
  }
  for (const id of own.reverse()) {
    if (signal.aborted) return;
    const [entry] = (await redis.eval(AGAIN, 1, STREAM, GROUP, id, name)) as (Entry | null)[];
    if (entry) await settle(shift, entry);
    // Redis has cleared what was trimmed away from the list when it was to be claimed.
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
  let next = 0;
  try {
    const readerId = await reader.client('ID');
    while (!signal.aborted) {
      try {
        if (!isOwnDone) await finishOwn(shift);
        isOwnDone = true;
        if (Date.now() >= next) {
          await takeOver(shift, minIdleMs);
          next = Date.now() + minIdleMs / 2;
        }
        if (signal.aborted) break;
        const blockMs = Math.ceil(Math.max(1, Math.min(5000, next - Date.now())));
        const place = ['COUNT', 1, 'BLOCK', blockMs, 'STREAMS', STREAM, '>'] as const;
        const reply = await wakeable(
          reader.xreadgroup('GROUP', GROUP, name, ...place),
          signal,
          async () => (await redis.client('UNBLOCK', readerId)) === 1,
        );
        for (const entry of reply?.[0]?.[1] ?? []) await settle(shift, entry);
      } catch (error) {
        if (!(error instanceof Error && /^(NOGROUP|UNBLOCKED)/.test(error.message))) throw error;
        await createGroup(redis);
      }
    }
  } finally {
    reader.disconnect();
  }
}

/** Waits for a read, which the abort ends; it may be only about to block, so that one try is not enough. */
async function wakeable<Reply>(
  reading: Promise<Reply>,
  signal: AbortSignal,
  wake: () => Promise<boolean>,
): Promise<Reply> {
  let isBack = false;
  const onAbort = async () => {
    while (!isBack && !(await wake())) await sleep(5);
  };
  const listener = () => void onAbort().catch(() => {});
  signal.addEventListener('abort', listener);
  try {
    return await reading;
  } finally {
    isBack = true;
    signal.removeEventListener('abort', listener);
  }
}

async function settle(shift: Shift, [id, fields]: Entry): Promise<boolean> {
  const { redis, handle, signal } = shift;
  if (!fields) {
    await redis.xack(STREAM, GROUP, id);
    return false;
  }
  const order = parse(fields);
  const [info] = (await redis.xpending(STREAM, GROUP, id, id, 1)) as Pending[];
  if (typeof order === 'string' || (info && info[3] > 3)) {
    const reason = typeof order === 'string' ? order : 'delivered too often';
    await redis.xadd('orders:dead', '*', ...fields, 'originalId', id, 'reason', reason);
    await redis.xack(STREAM, GROUP, id);
    return false;
  }
  if (signal.aborted) return false;
  const over = new AbortController();
  try {
    await Promise.race([handle(order, id), lastCall(signal, over.signal)]);
  } catch {
    return false;
  } finally {
    over.abort();
  }
  await redis.xack(STREAM, GROUP, id);
  return true;
}

/** Rejects half a second after the abort, unless it is over by then. */
async function lastCall(signal: AbortSignal, over: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort', { signal: over });
  await sleep(530, undefined, { signal: over });
  throw new Error('left behind');
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
