// Distributed order processing, solved. README.md, beside this file, says why it is done this way.
import type { Redis } from 'ioredis';

export interface Order {
  productId: string;
  userId: string;
  quantity: number;
  /** Milliseconds since 1970. */
  timestamp: number;
}

/** What is done with an order, here by the grader. It may fail in any way, or take long; `id` is the entry's id. */
export type OrderHandler = (order: Order, id: string) => Promise<void>;

export interface WorkerOptions {
  /**
   * The worker returns within a second of its abort. The order in hand has half a second to be finished; one that takes longer
   * stays pending. It may be aborted before the call.
   */
  signal: AbortSignal;
  /** An order that nobody has touched for so long has been left behind. Look for such orders at least as often. */
  minIdleMs: number;
}

const STREAM = 'orders:new';
const GROUP = 'order_processors';
const DEAD_LETTERS = 'orders:dead';
const KEPT_ORDERS = 10_000;
const MOST_DELIVERIES = 3;
const PAGE = 100;

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

/**
 * Task 1. Adds an order to the stream `orders:new`, one field per property, and returns the entry's
 * id. The stream keeps the newest 10,000 orders, or a few more where that is cheaper.
 */
export async function publishOrder(redis: Redis, order: Order): Promise<string> {
  const { productId, userId, quantity, timestamp } = order;
  const fields = { productId, userId, quantity, timestamp };
  // `~` drops whole nodes of the stream, never a part of one: much cheaper, and a few are kept longer.
  const id = await redis.xadd(
    STREAM,
    'MAXLEN',
    '~',
    KEPT_ORDERS,
    '*',
    ...Object.entries(fields).flat(),
  );
  if (id === null) throw new Error(`${STREAM} took no order`); // only with NOMKSTREAM
  return id;
}

/**
 * Task 2. Makes the group `order_processors`, which sees all orders from the first one on. May be
 * called again by anyone at any time: that changes nothing. Any other error is passed on.
 */
export async function createGroup(redis: Redis): Promise<void> {
  try {
    // From `0`: orders that were there before the group are orders too.
    await redis.xgroup('CREATE', STREAM, GROUP, '0', 'MKSTREAM');
  } catch (error) {
    if (!isReply(error, 'BUSYGROUP')) throw error;
  }
}

/**
 * Tasks 3 and 5 to 8. Works on orders as the consumer `name`, until the signal is aborted: first on what this
 * name has left unacknowledged, then on new orders. While it runs, busy or not, it takes over what others
 * have left. An order is acknowledged once its handler has succeeded. What was delivered more than 3 times, or is no
 * order, goes to `orders:dead`. Makes the group when it is missing. `redis` belongs to the caller.
 */
export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  { signal, minIdleMs }: WorkerOptions,
): Promise<void> {
  await createGroup(redis);
  // A blocked connection can send nothing else: without one of its own, the read would hold up every XACK.
  const reader = redis.duplicate();
  // The abort need not wait until a blocked read comes back.
  const disconnect = () => reader.disconnect();
  signal.addEventListener('abort', disconnect, { once: true });

  try {
    await finishOwn(redis, name, handleOrder, signal);
    let nextReclaim = Date.now();
    while (!signal.aborted) {
      if (Date.now() >= nextReclaim) {
        await reclaimOrders(redis, name, minIdleMs, handleOrder, signal);
        nextReclaim = Date.now() + minIdleMs / 2;
      }
      // One at a time: an order's idle time runs from its delivery, also while it waits for its turn in a
      // batch. And never blocked for longer than until the next look at what others have left.
      const blockMs = Math.max(1, Math.min(1000, nextReclaim - Date.now()));
      const reply = await reader
        .xreadgroup('GROUP', GROUP, name, 'COUNT', 1, 'BLOCK', blockMs, 'STREAMS', STREAM, '>')
        .catch(async (error: unknown) => {
          if (signal.aborted) return null; // "Connection is closed.": that was us
          if (!isReply(error, 'NOGROUP')) throw error;
          await createGroup(redis); // somebody has deleted the stream, and its groups with it
          return null;
        });
      for (const [, entries] of reply ?? []) {
        for (const entry of entries) await settle(redis, entry, handleOrder);
      }
    }
  } finally {
    signal.removeEventListener('abort', disconnect);
    disconnect();
  }
}

/** Task 4. How many orders each worker holds unacknowledged; workers that hold none are left out. The group is there. */
export async function pendingByWorker(redis: Redis): Promise<Record<string, number>> {
  const [, , , consumers] = (await redis.xpending(STREAM, GROUP)) as PendingSummary;
  return Object.fromEntries((consumers ?? []).map(([name, count]) => [name, Number(count)]));
}

/**
 * Task 5. Takes over, as the consumer `name`, every order that has been idle for `minIdleMs`; handles
 * and acknowledges it. Clears from the pending list what was trimmed away. What was delivered more than 3 times goes to
 * `orders:dead` (task 7). Returns how many were handled.
 */
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
    // One by one, for the same reason as above: a page of a hundred would idle while its first is handled.
    const page = await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor, 'COUNT', 1);
    const [next, entries] = page as Claimed;
    for (const entry of entries) {
      if (!entry?.[1]) continue; // trimmed away; since 7.0 XAUTOCLAIM has cleared it by itself
      if (await settle(redis, entry, handleOrder)) handled++;
    }
    cursor = next;
  } while (cursor !== '0-0' && !signal?.aborted);
  await clearTrimmed(redis, name, minIdleMs);
  return handled;
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
    // Any id but `>` reads this consumer's own pending entries behind that id; it never blocks.
    const reply = await redis.xreadgroup(
      'GROUP',
      GROUP,
      name,
      'COUNT',
      PAGE,
      'STREAMS',
      STREAM,
      after,
    );
    const entries = reply?.[0]?.[1] ?? [];
    for (const entry of entries) {
      if (signal.aborted) return;
      await settle(redis, entry, handleOrder);
      after = entry[0];
    }
    if (entries.length === 0) return;
  }
}

/** Handles one entry and acknowledges it. False when the handler failed: the entry then stays pending. */
async function settle(
  redis: Redis,
  [id, fields]: Entry,
  handleOrder: OrderHandler,
): Promise<boolean> {
  if (!fields) {
    // Trimmed away while it was pending. There is nothing left to work on.
    await redis.xack(STREAM, GROUP, id);
    return false;
  }
  if (await isPoison(redis, id)) {
    await bury(redis, id, fields);
    return false;
  }
  try {
    await handleOrder(readOrder(fields), id);
  } catch (error) {
    console.error(`order ${id} failed, and is tried again later:`, error);
    return false;
  }
  await redis.xack(STREAM, GROUP, id);
  return true;
}

/** Whether an entry has been delivered so often that it must be the entry's own fault. */
async function isPoison(redis: Redis, id: string): Promise<boolean> {
  const range = await redis.xpending(STREAM, GROUP, id, id, 1);
  const [pending] = range as PendingEntry[];
  return pending !== undefined && pending[3] > MOST_DELIVERIES;
}

/** Puts an order aside for a human. In one transaction: neither lost nor put aside twice. */
async function bury(redis: Redis, id: string, fields: string[]): Promise<void> {
  await redis
    .multi()
    .xadd(DEAD_LETTERS, '*', ...fields, 'originalId', id)
    .xack(STREAM, GROUP, id)
    .exec();
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

/** Fields come back as a flat list of strings, in the order in which they were added. */
function readOrder(fields: string[]): Order {
  const values: Record<string, string> = {};
  for (let at = 0; at < fields.length; at += 2) values[fields[at] ?? ''] = fields[at + 1] ?? '';
  const { productId = '', userId = '', quantity, timestamp } = values;
  return { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) };
}
