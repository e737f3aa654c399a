// A correct submission. Frozen: wrong submissions are changes to it, whatever becomes of the solution.
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

const STREAM = 'orders:new';
const GROUP = 'order_processors';
const DEAD_LETTERS = 'orders:dead';
const KEPT_ORDERS = 10_000;
const MOST_DELIVERIES = 3;
const PAGE = 100;
const GRACE_MS = 500;

type Entry = [id: string, fields: string[] | null];
// XAUTOCLAIM has a third element since Redis 7.0; on 6.2, a trimmed entry is nil or has nil fields.
type Claimed = [cursor: string, entries: (Entry | null)[], gone?: string[]];
type PendingEntry = [id: string, consumer: string, idleMs: number, deliveries: number];
type PendingSummary = [
  number,
  string | null,
  string | null,
  [name: string, count: string][] | null,
];

export async function publishOrder(redis: Redis, order: Order): Promise<string> {
  const { productId, userId, quantity, timestamp } = order;
  const fields = { productId, userId, quantity, timestamp };
  const id = await redis.xadd(
    STREAM,
    'MAXLEN',
    '~',
    KEPT_ORDERS,
    '*',
    ...Object.entries(fields).flat(),
  );
  if (id === null) throw new Error(`${STREAM} took no order`);
  return id;
}

export async function createGroup(redis: Redis): Promise<void> {
  try {
    await redis.xgroup('CREATE', STREAM, GROUP, '0', 'MKSTREAM');
  } catch (error) {
    if (!isReply(error, 'BUSYGROUP')) throw error;
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
  const disconnect = () => reader.disconnect();
  signal.addEventListener('abort', disconnect, { once: true });

  try {
    let nextReclaim = Date.now();
    let isBack = true;
    while (!signal.aborted) {
      try {
        if (isBack) await finishOwn(redis, name, handleOrder, signal);
        isBack = false;
        if (Date.now() >= nextReclaim) {
          await reclaimOrders(redis, name, minIdleMs, handleOrder, signal);
          nextReclaim = Date.now() + minIdleMs / 2;
        }
        if (signal.aborted) break;
        const blockMs = Math.ceil(Math.max(1, Math.min(1000, nextReclaim - Date.now())));
        const entries = await readNew(reader, name, blockMs);
        for (const entry of entries) await settle(redis, entry, handleOrder, signal);
      } catch (error) {
        if (signal.aborted) break; // "Connection is closed.": that was us
        if (!hasVanished(error)) throw error;
        await createGroup(redis);
      }
    }
  } finally {
    signal.removeEventListener('abort', disconnect);
    disconnect();
  }
}

export async function pendingByWorker(redis: Redis): Promise<Record<string, number>> {
  const [, , , consumers] = (await redis.xpending(STREAM, GROUP)) as PendingSummary;
  return Object.fromEntries((consumers ?? []).map(([name, count]) => [name, Number(count)]));
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
  do {
    const page = await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor, 'COUNT', 1);
    const [next, entries] = page as Claimed;
    for (const entry of entries) {
      if (!entry?.[1]) continue; // trimmed away; since 7.0 XAUTOCLAIM has cleared it by itself
      if (await settle(redis, entry, handleOrder, signal)) handled++;
    }
    cursor = next;
  } while (cursor !== '0-0' && !signal?.aborted);
  await clearTrimmed(redis, name, minIdleMs);
  return handled;
}

/** Reads an order that no worker was given before; none when there are none for a while. */
async function readNew(reader: Redis, name: string, blockMs: number): Promise<Entry[]> {
  const options = ['COUNT', 1, 'BLOCK', blockMs, 'STREAMS', STREAM, '>'] as const;
  const reply = await reader.xreadgroup('GROUP', GROUP, name, ...options);
  return reply?.[0]?.[1] ?? [];
}

/** Works on what this very name was given before, and did not acknowledge. */
async function finishOwn(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  signal: AbortSignal,
): Promise<void> {
  let after = '0';
  while (!signal.aborted) {
    const reply = await redis.xreadgroup(
      'GROUP',
      GROUP,
      name,
      'COUNT',
      1, // what is read gets older while it waits
      'STREAMS',
      STREAM,
      after,
    );
    const entries = reply?.[0]?.[1] ?? [];
    for (const entry of entries) {
      await settle(redis, entry, handleOrder, signal);
      after = entry[0];
    }
    if (entries.length === 0) return;
  }
}

/** Handles one entry and acknowledges it. False when it was not handled; if its handler failed, it stays pending. */
async function settle(
  redis: Redis,
  [id, fields]: Entry,
  handleOrder: OrderHandler,
  signal?: AbortSignal,
): Promise<boolean> {
  if (!fields) {
    await redis.xack(STREAM, GROUP, id);
    return false;
  }
  const reason = whatIsWrong(fields);
  if (reason) {
    await bury(redis, id, [...fields, 'reason', reason]);
    return false;
  }
  if (await isPoison(redis, id)) {
    await bury(redis, id, fields);
    return false;
  }
  if (signal?.aborted) return false;
  try {
    await untilGrace(handleOrder(readOrder(fields), id), signal);
  } catch (error) {
    console.error(`order ${id} failed, and is tried again later:`, error);
    return false;
  }
  await redis.xack(STREAM, GROUP, id);
  return true;
}

/** Waits for a handler; one that still runs when the grace after the abort is over is left behind. */
async function untilGrace(handling: Promise<void>, signal?: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let startTimer = () => {};
  const graceIsOver = new Promise<never>((_, reject) => {
    startTimer = () => {
      timer = setTimeout(() => reject(new Error('left behind at the stop')), GRACE_MS);
    };
  });
  if (signal?.aborted) startTimer();
  signal?.addEventListener('abort', startTimer, { once: true });
  try {
    await Promise.race([handling, graceIsOver]);
  } finally {
    signal?.removeEventListener('abort', startTimer);
    clearTimeout(timer);
  }
}

/** Whether an entry has been delivered so often that it must be the entry's own fault. */
async function isPoison(redis: Redis, id: string): Promise<boolean> {
  const range = await redis.xpending(STREAM, GROUP, id, id, 1);
  const [pending] = range as PendingEntry[];
  return pending !== undefined && pending[3] > MOST_DELIVERIES;
}

/** Puts an entry aside for a human. Not acknowledged before it is there. */
async function bury(redis: Redis, id: string, fields: string[]): Promise<void> {
  await redis.xadd(DEAD_LETTERS, '*', ...fields, 'originalId', id);
  await redis.xack(STREAM, GROUP, id);
}

/** Redis 6.2 keeps an entry on the pending list although it is no longer in the stream. */
async function clearTrimmed(redis: Redis, name: string, minIdleMs: number): Promise<void> {
  const range = await redis.xpending(STREAM, GROUP, 'IDLE', minIdleMs, '-', '+', PAGE, name);
  for (const [id] of range as PendingEntry[]) {
    const [entry] = await redis.xrange(STREAM, id, id);
    if (!entry) await redis.xack(STREAM, GROUP, id);
  }
}

/** Whether Redis has answered with this error. */
function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}

/** The stream or the group is gone. Redis 7.0 says UNBLOCKED to a reader that was waiting in it. */
function hasVanished(error: unknown): boolean {
  return isReply(error, 'NOGROUP') || isReply(error, 'UNBLOCKED');
}

/** Fields come back as a flat list of strings, in the order in which they were added. */
function byName(fields: string[]): Record<string, string | undefined> {
  const values: Record<string, string> = {};
  for (let at = 0; at < fields.length; at += 2) values[fields[at] ?? ''] = fields[at + 1] ?? '';
  return values;
}

function readOrder(fields: string[]): Order {
  const { productId = '', userId = '', quantity, timestamp } = byName(fields);
  return { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) };
}

/** Why an entry is no order; undefined when it is one. */
function whatIsWrong(fields: string[]): string | undefined {
  const values = byName(fields);
  if (values.productId === undefined) return 'no productId';
  if (values.userId === undefined) return 'no userId';
  if (!isWholeNumber(values.quantity, 1)) return `no such quantity: ${values.quantity}`;
  if (!isWholeNumber(values.timestamp, 0)) return `no such timestamp: ${values.timestamp}`;
  return undefined;
}

function isWholeNumber(text: string | undefined, least: number): boolean {
  return text !== undefined && /^\d+$/.test(text) && Number(text) >= least;
}
