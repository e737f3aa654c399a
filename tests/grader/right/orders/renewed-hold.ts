// Style: XPENDING and XCLAIM; ten at a time, whose hold is renewed while they wait or are worked on, by scripts that look first.
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

/** Sets the idle time of one's own order back. Returns 0 if it is not one's own any more. */
const RENEW = `
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1, ARGV[3]) == 0 then return 0 end
  redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, ARGV[2], 'JUSTID')
  return 1
`;
/** Puts one's own order aside. */
const BURY = `
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1, ARGV[3]) == 0 then return 0 end
  redis.call('XADD', KEYS[2], '*', 'originalId', ARGV[2], unpack(ARGV, 4))
  return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
`;

interface Shift {
  redis: Redis;
  name: string;
  handle: OrderHandler;
  signal: AbortSignal;
  minIdleMs: number;
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  const { signal } = new AbortController();
  return await takeOver({ redis, name, handle: handleOrder, signal, minIdleMs });
}

async function takeOver(shift: Shift): Promise<number> {
  const { redis, name, signal, minIdleMs } = shift;
  let handled = 0;
  for (let start = '-'; !signal.aborted; ) {
    const range = ['IDLE', minIdleMs, start, '+', 10] as const;
    const page = (await redis.xpending(STREAM, GROUP, ...range)) as Pending[];
    const last = page.at(-1);
    if (!last) break;
    const claimed: Entry[] = [];
    for (const [id, , , deliveries] of page) {
      const [entry] = (await redis.xclaim(STREAM, GROUP, name, minIdleMs, id)) as (Entry | null)[];
      if (!entry?.[1]) continue; // somebody was quicker, or it was trimmed away
      if (deliveries >= 3) await bury(shift, id, entry[1], 'delivered too often');
      else claimed.push(entry);
    }
    handled += await workThrough(shift, claimed);
    start = `(${last[0]}`;
  }
  return handled;
}

async function finishOwn(shift: Shift): Promise<void> {
  const { redis, name, signal } = shift;
  let after = '0';
  while (!signal.aborted) {
    const place = ['COUNT', 1, 'STREAMS', STREAM, after] as const;
    const reply = await redis.xreadgroup('GROUP', GROUP, name, ...place);
    const entry: Entry | undefined = reply?.[0]?.[1][0];
    if (!entry) return;
    after = entry[0];
    const [info] = (await redis.xpending(STREAM, GROUP, after, after, 1, name)) as Pending[];
    if (!entry[1]) await redis.xack(STREAM, GROUP, after);
    else if (info && info[3] > 3) await bury(shift, after, entry[1], 'delivered too often');
    else await workThrough(shift, [entry]);
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
  const hangUp = () => reader.disconnect();
  signal.addEventListener('abort', hangUp);
  const shift = { redis, name, handle: handleOrder, signal, minIdleMs };
  let isOwnDone = false;
  let next = 0;
  while (!signal.aborted) {
    try {
      if (!isOwnDone) await finishOwn(shift);
      isOwnDone = true;
      if (Date.now() >= next) {
        await takeOver(shift);
        next = Date.now() + minIdleMs / 2;
      }
      if (signal.aborted) break;
      const blockMs = Math.max(1, Math.min(1000, Math.ceil(next - Date.now())));
      const place = ['COUNT', 10, 'BLOCK', blockMs, 'STREAMS', STREAM, '>'] as const;
      const reply = await reader.xreadgroup('GROUP', GROUP, name, ...place);
      await workThrough(shift, reply?.[0]?.[1] ?? []);
    } catch (error) {
      if (signal.aborted) break;
      if (!(error instanceof Error && /^(NOGROUP|UNBLOCKED)/.test(error.message))) throw error;
      await createGroup(redis);
    }
  }
  signal.removeEventListener('abort', hangUp);
  hangUp();
}

/** Works on orders one by one. Nobody else gets one while it waits here, unless this process is paused. */
async function workThrough(shift: Shift, entries: Entry[]): Promise<number> {
  const { redis, name, handle, signal, minIdleMs } = shift;
  const left = new Set(entries.map(([id]) => id));
  const renew = async () => {
    for (const id of left)
      if (!(await redis.eval(RENEW, 1, STREAM, GROUP, id, name))) left.delete(id);
  };
  // An error is not lost: with the stream, its group is gone, and the next command says so, too.
  const heartbeat = setInterval(() => void renew().catch(() => {}), minIdleMs / 3);
  let handled = 0;
  try {
    for (const [id, fields] of entries) {
      const order = parse(fields ?? []);
      if (!left.has(id)) continue; // somebody else has it by now
      if (typeof order === 'string') {
        left.delete(id);
        await bury(shift, id, fields ?? [], order);
        continue;
      }
      if (signal.aborted) break;
      const over = new AbortController();
      try {
        await Promise.race([handle(order, id), lastCall(signal, over.signal)]);
        left.delete(id);
        await redis.xack(STREAM, GROUP, id);
        handled++;
      } catch {
        left.delete(id); // it is not renewed any more, and so it comes back
      } finally {
        over.abort();
      }
    }
  } finally {
    clearInterval(heartbeat);
    left.clear();
  }
  return handled;
}

async function bury(shift: Shift, id: string, fields: string[], why: string): Promise<void> {
  const keys = [STREAM, 'orders:dead'] as const;
  await shift.redis.eval(BURY, 2, ...keys, GROUP, id, shift.name, ...fields, 'reason', why);
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
