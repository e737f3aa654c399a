// Distributed order processing, solved. README.md, beside this file, says why it is done this way.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
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
const GRACE_MS = 500;
const LONGEST_BLOCK_MS = 1000;
const FIRST = '0-0';

type Entry = [id: string, fields: string[] | null];
type Claimed = [cursor: string, entries: (Entry | null)[], gone: string[]];
type PendingEntry = [id: string, consumer: string, idleMs: number, deliveries: number];
type PendingSummary = [unknown, unknown, unknown, [name: string, count: string][] | null];

interface Worker {
  redis: Redis;
  name: string;
  handleOrder: OrderHandler;
  signal: AbortSignal;
}

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
  if (signal.aborted) return; // the event is over: a listener would never hear of it
  await createGroup(redis);
  // A blocked connection can send nothing else: without one of its own, the read would hold up every XACK.
  const reader = redis.duplicate();
  // The abort need not wait until a blocked read comes back.
  const disconnect = () => reader.disconnect();
  signal.addEventListener('abort', disconnect, { once: true });
  const worker = { redis, name, handleOrder, signal };

  let isBack = true;
  let nextLook = Date.now();
  let cursor = FIRST;
  while (!signal.aborted) {
    try {
      if (isBack) await finishOwn(worker);
      isBack = false;
      // What others have left and what is new take turns: neither waits for longer than one order takes.
      if (Date.now() >= nextLook) {
        [cursor] = await takeOver(worker, minIdleMs, cursor);
        if (cursor === FIRST) nextLook = Date.now() + minIdleMs / 2;
      }
      const entry = await readNew(reader, name, nextLook - Date.now());
      if (entry) await settle(worker, entry, 'new');
    } catch (error) {
      await recover(worker, error);
    }
  }
  signal.removeEventListener('abort', disconnect);
  disconnect();
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
): Promise<number> {
  const worker = { redis, name, handleOrder, signal: new AbortController().signal };
  let count = 0;
  let cursor = FIRST;
  do {
    const [next, isHandled] = await takeOver(worker, minIdleMs, cursor);
    if (isHandled) count++;
    cursor = next;
  } while (cursor !== FIRST);
  return count;
}

/** Works on what this very name was given before, and did not acknowledge. */
async function finishOwn(worker: Worker): Promise<void> {
  let after = '0';
  while (!worker.signal.aborted) {
    // Any id but `>` reads this consumer's own pending entries behind that id; it never blocks. Each read counts as a
    // delivery: read one by one, or the one that kills the process takes the others along to the dead letters.
    const position = ['COUNT', 1, 'STREAMS', STREAM, after] as const;
    const reply = await worker.redis.xreadgroup('GROUP', GROUP, worker.name, ...position);
    const entry = reply?.[0]?.[1][0];
    if (!entry) return;
    await settle(worker, entry, 'again');
    after = entry[0];
  }
}

/** Takes over the next order that has been idle for too long, if there is one. Says where to go on, and whether it was handled. */
async function takeOver(
  worker: Worker,
  minIdleMs: number,
  cursor: string,
): Promise<[next: string, isHandled: boolean]> {
  const { redis, name } = worker;
  // XAUTOCLAIM also clears what was trimmed away, and says so in its third element.
  const page = await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor, 'COUNT', 1);
  const [next, [entry]] = page as Claimed;
  return [next, entry ? await settle(worker, entry, 'again') : false];
}

/** Reads one order that no worker was given before. One: in a batch, an order gets older while it waits for its turn. */
async function readNew(reader: Redis, name: string, ms: number): Promise<Entry | undefined> {
  const blockMs = Math.ceil(Math.max(1, Math.min(LONGEST_BLOCK_MS, ms))); // 0 would be for ever
  const position = ['COUNT', 1, 'BLOCK', blockMs, 'STREAMS', STREAM, '>'] as const;
  const reply = await reader.xreadgroup('GROUP', GROUP, name, ...position);
  return reply?.[0]?.[1][0];
}

/** Handles an order and acknowledges it. False when it was not handled: if its handler has failed, it stays pending. */
async function settle(
  worker: Worker,
  [id, fields]: Entry,
  delivered: 'new' | 'again',
): Promise<boolean> {
  const { redis, handleOrder, signal } = worker;
  if (!fields) {
    await redis.xack(STREAM, GROUP, id); // trimmed away while it was pending: there is nothing left to work on
    return false;
  }
  const order = readOrder(fields);
  if (typeof order === 'string') {
    await bury(worker, id, [...fields, 'reason', order]);
    return false;
  }
  if (delivered === 'again' && (await isPoison(redis, id))) {
    await bury(worker, id, [...fields, 'reason', `delivered more than ${MOST_DELIVERIES} times`]);
    return false;
  }
  if (signal.aborted) return false;
  try {
    await withGrace(handleOrder(order, id), signal);
  } catch (error) {
    console.error(`order ${id} failed, and is tried again later:`, error);
    return false;
  }
  await redis.xack(STREAM, GROUP, id);
  return true;
}

/**
 * Puts an entry aside for a human. Only its holder does: who was paused for long has lost it to somebody else, who may have
 * put it aside already. The XACK comes last: a script is not rolled back, and after an XADD that fails the entry is still pending.
 */
async function bury({ redis, name }: Worker, id: string, fields: string[]): Promise<void> {
  const script = `
    local stream, dead, group, id, holder = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]
    if #redis.call('XPENDING', stream, group, id, id, 1, holder) == 0 then return 0 end
    redis.call('XADD', dead, '*', unpack(ARGV, 4))
    return redis.call('XACK', stream, group, id)`;
  const letter = [...fields, 'originalId', id];
  await redis.eval(script, 2, STREAM, DEAD_LETTERS, GROUP, id, name, ...letter);
}

/** Waits for a handler, but not for longer than the grace after the abort: then it is left behind, as if it had failed. */
async function withGrace(handling: Promise<void>, signal: AbortSignal): Promise<void> {
  const settled = new AbortController();
  const patience = async () => {
    if (!signal.aborted) await once(signal, 'abort', { signal: settled.signal });
    await sleep(GRACE_MS, undefined, { signal: settled.signal });
    throw new Error('it still ran when the worker had to stop');
  };
  try {
    await Promise.race([handling, patience()]);
  } finally {
    settled.abort(); // listener and timer are gone
  }
}

/** After any trouble but a handler's. Only what is wrong from the start ends a worker; a fail-over, for one, does not. */
async function recover({ redis, name, signal }: Worker, error: unknown): Promise<void> {
  if (signal.aborted) return; // "Connection is closed.": that was us
  // Somebody has deleted the stream, and its groups with it. 7.0 says UNBLOCKED to those who wait in it.
  const hasVanished = isReply(error, 'NOGROUP') || isReply(error, 'UNBLOCKED');
  const trouble = hasVanished ? await createGroup(redis).catch((reason) => reason) : error;
  if (!trouble) return;
  console.error(`${name} tries again in a second:`, trouble);
  await sleep(1000, undefined, { signal }).catch(() => {}); // the abort ends the pause
}

/** Whether an order has been delivered so often that it must be the order's own fault. */
async function isPoison(redis: Redis, id: string): Promise<boolean> {
  const [pending] = (await redis.xpending(STREAM, GROUP, id, id, 1)) as PendingEntry[];
  return pending !== undefined && pending[3] > MOST_DELIVERIES;
}

/** Whether Redis has answered with this error. */
function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}

/** The order, or what is wrong with it: others write to this stream, too. */
function readOrder(fields: string[]): Order | string {
  // Fields come back as a flat list of strings, in the order in which they were added.
  const values: Partial<Record<string, string>> = {};
  for (let at = 0; at < fields.length; at += 2) values[fields[at] ?? ''] = fields[at + 1];
  const { productId, userId, quantity, timestamp } = values;
  if (productId === undefined || userId === undefined) return 'productId or userId is missing';
  if (!isWholeNumber(quantity, 1)) return `quantity is ${quantity}`;
  if (!isWholeNumber(timestamp, 0)) return `timestamp is ${timestamp}`;
  return { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) };
}

function isWholeNumber(text = '', least: number): boolean {
  return /^\d+$/.test(text) && Number(text) >= least;
}
