// Distributed order processing, solved: first the loop, then what keeps it alive. README.md, beside this file, says why.
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
const MOST_AT_A_TIME = 10;
const MOST_DELIVERIES = 3;
const GRACE_MS = 500;
const LAST_RESORT_MS = 900;
const LONGEST_BLOCK_MS = 500;
const SILENCE_MS = 3000; // longer than any BLOCK
const PAUSE_MS = 500;
const NEWS = '>';
const FIRST = '0-0';

type Entry = [id: string, fields: string[] | null];
type Claimed = [cursor: string, entries: (Entry | null)[], gone: string[]];
type PendingEntry = [id: string, consumer: string, idleMs: number, deliveries: number];
type PendingSummary = [unknown, unknown, unknown, [name: string, count: string][] | null];

interface Worker extends WorkerOptions {
  readonly redis: Redis;
  readonly name: string;
  readonly handleOrder: OrderHandler;
}

/**
 * Task 1. Adds an order to the stream `orders:new`, one field per property, and returns the entry's
 * id. The stream keeps the newest 10,000 orders, or a few more where that is cheaper.
 */
export async function publishOrder(redis: Redis, order: Order): Promise<string> {
  const { productId, userId, quantity, timestamp } = order;
  const fields = Object.entries({ productId, userId, quantity, timestamp }).flat();
  // `~` drops whole nodes of the stream, never a part of one: much cheaper, and a few are kept longer.
  const id = await redis.xadd(STREAM, 'MAXLEN', '~', KEPT_ORDERS, '*', ...fields);
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
    if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error;
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
  options: WorkerOptions,
): Promise<void> {
  const { signal, minIdleMs } = options;
  if (signal.aborted) return; // the event is over: a listener would never hear of it
  const inbox = new Inbox(redis, name);
  signal.addEventListener('abort', () => inbox.stop(redis), { once: true });
  const worker = { redis: inbox.redis, name, handleOrder, signal, minIdleMs };
  let nextLook = 0;
  let cursor = FIRST;
  while (!signal.aborted) {
    try {
      await inbox.arrive();
      await inbox.renew(minIdleMs / 2);
      // What others have left and what is new take turns: neither waits for longer than one order takes.
      if (inbox.isAtNews && performance.now() >= nextLook) {
        [cursor] = await takeOver(worker, cursor);
        if (cursor === FIRST) nextLook = performance.now() + minIdleMs / 2;
      }
      const entry = await inbox.next(nextLook - performance.now());
      if (entry) await settle(worker, entry, inbox.isAtNews ? 'new' : 'again');
    } catch (error) {
      if (signal.aborted) break;
      // Whatever it was, a fail-over for one, it ends no worker. The errors of handlers do not get here.
      inbox.reset();
      console.error(`${name} tries again in a moment:`, error);
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => {}); // the abort ends the pause
    }
  }
  // What was not begun stays pending, and is anybody's at once.
  await giveBack(worker, inbox.waiting).catch(() => {});
  inbox.close();
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
  const { signal } = new AbortController();
  const worker = { redis, name, handleOrder, signal, minIdleMs };
  let count = 0;
  let cursor = FIRST;
  do {
    const [next, isHandled] = await takeOver(worker, cursor);
    if (isHandled) count++;
    cursor = next;
  } while (cursor !== FIRST);
  return count;
}

/** Takes over the next order that has been idle for too long, if there is one. Says where to go on, and whether it was handled. */
async function takeOver(
  worker: Worker,
  cursor: string,
): Promise<[next: string, isHandled: boolean]> {
  const { redis, name, minIdleMs } = worker;
  // XAUTOCLAIM also clears what was trimmed away. One by one: each claim is a delivery, also if no handler comes to it.
  const page = await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor, 'COUNT', 1);
  const [next, [entry]] = page as Claimed;
  return [next, entry ? await settle(worker, entry, 'again') : false];
}

/** Handles an order and acknowledges it. False when it was not handled: if its handler has failed, it stays pending. */
async function settle(worker: Worker, entry: Entry, delivered: 'new' | 'again'): Promise<boolean> {
  const { redis, handleOrder, signal } = worker;
  const [id, fields] = entry;
  const order = fields && readOrder(fields);
  try {
    if (typeof order === 'string') return await bury(worker, entry, order);
    // What comes with `>` is at its first delivery: that costs no question.
    if (order && delivered === 'again' && (await isPoison(redis, id)))
      return await bury(worker, entry, `delivered more than ${MOST_DELIVERIES} times`);
    if (signal.aborted) return await giveBack(worker, [entry]);
    if (order) await withGrace(() => handleOrder(order, id), signal);
  } catch (error) {
    console.error(`order ${id} failed, and is tried again later:`, error);
    return false;
  }
  await redis.xack(STREAM, GROUP, id); // also if it was trimmed away, and there was nothing left to handle
  return order !== null;
}

/** Whether an order has been delivered so often that it must be the order's own fault. */
async function isPoison(redis: Redis, id: string): Promise<boolean> {
  const [pending] = (await redis.xpending(STREAM, GROUP, id, id, 1)) as PendingEntry[];
  return pending !== undefined && pending[3] > MOST_DELIVERIES;
}

/** Puts an order aside for a human. */
async function bury({ redis, name }: Worker, [id, fields]: Entry, reason: string): Promise<false> {
  const letter = [...(fields ?? []), 'reason', reason, 'originalId', id];
  await redis.eval(BURY, 2, STREAM, DEAD_LETTERS, GROUP, name, id, ...letter);
  return false;
}

// KEYS stream, dead letters; ARGV group, consumer, id, fields and values.
// Only the holder puts it aside: a worker that was paused has lost it, perhaps to one that has put it aside already.
// The XACK comes last, as a script is not rolled back: if the XADD fails, the order is still pending.
const BURY = `
  local group, me, id = ARGV[1], ARGV[2], ARGV[3]
  if #redis.call('XPENDING', KEYS[1], group, id, id, 1, me) == 0 then return 0 end
  redis.call('XADD', KEYS[2], '*', unpack(ARGV, 4))
  return redis.call('XACK', KEYS[1], group, id)`;

/** What was handed out and not begun stays pending, and is anybody's at once. */
async function giveBack({ redis, name, minIdleMs }: Worker, entries: Entry[]): Promise<false> {
  await setIdle(redis, name, minIdleMs, entries);
  return false;
}

/** Says how long these have been idle, of those that this name still holds; returns the ids of these. */
async function setIdle(
  redis: Redis,
  name: string,
  idleMs: number,
  entries: Entry[],
): Promise<string[]> {
  const ids = entries.map(([id]) => id);
  return (await redis.eval(SET_IDLE, 1, STREAM, GROUP, name, idleMs, ...ids)) as string[];
}

// KEYS stream; ARGV group, consumer, idle time, ids. Answers which of them are still the consumer's. XCLAIM alone would
// take the others back from those who are at work on them. With JUSTID, it is no delivery.
const SET_IDLE = `
  local group, me, held = ARGV[1], ARGV[2], {}
  for i = 4, #ARGV do
    if #redis.call('XPENDING', KEYS[1], group, ARGV[i], ARGV[i], 1, me) > 0 then
      redis.call('XCLAIM', KEYS[1], group, me, 0, ARGV[i], 'IDLE', ARGV[3], 'JUSTID')
      table.insert(held, ARGV[i])
    end
  end
  return held`;

/** Waits for a handler. After the abort, for no longer than the grace: then it is left behind, as if it had failed. */
async function withGrace(handle: () => Promise<void>, signal: AbortSignal): Promise<void> {
  let leave = () => {};
  let timer: NodeJS.Timeout | undefined;
  const left = new Promise<never>((_, reject) => {
    const late = new Error('it still ran when the worker had to stop');
    leave = () => {
      timer = setTimeout(reject, GRACE_MS, late);
    };
  });
  signal.addEventListener('abort', leave);
  try {
    await Promise.race([handle(), left]);
  } finally {
    signal.removeEventListener('abort', leave);
    clearTimeout(timer);
  }
}

/** The order, or what is wrong with it: others write to this stream, too. */
function readOrder(fields: string[]): Order | string {
  // Fields come back as a flat list of strings, in the order in which they were added.
  const values: Partial<Record<string, string>> = {};
  for (let at = 0; at < fields.length; at += 2) values[fields[at] ?? ''] = fields[at + 1];
  const { productId, userId, quantity = '', timestamp = '' } = values;
  if (productId === undefined || userId === undefined) return 'productId or userId is missing';
  if (!/^\d+$/.test(quantity) || Number(quantity) < 1) return `quantity is "${quantity}"`;
  if (!/^\d+$/.test(timestamp)) return `timestamp is "${timestamp}"`;
  return { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) };
}

/** The orders that Redis hands out to this name. It reads on a connection of its own: a blocked one can send nothing else. */
class Inbox {
  readonly redis: Redis;
  /** Handed out, and not begun. */
  waiting: Entry[] = [];
  readonly #name: string;
  #clientId = 0;
  /** What to read: news, or what this name holds behind an id. Undefined until that is known, and after any trouble. */
  #from: string | undefined;
  /** The newest order that has arrived here. */
  #newest = '0';
  #touchedAt = 0;
  #lastResort: NodeJS.Timeout | undefined;

  constructor(redis: Redis, name: string) {
    this.#name = name;
    // A dead connection says nothing, and BLOCK ends on the server. After a fail-over, the old primary says READONLY.
    const reconnectOnError = ({ message }: Error) => message.startsWith('READONLY');
    this.redis = redis.duplicate({ socketTimeout: SILENCE_MS, reconnectOnError });
    this.redis.on('error', (error) => console.error(`${name}: ${error}`)); // it is connecting again
    this.redis.on('ready', () => this.reset());
  }

  /** It has to find its way again. */
  reset(): void {
    this.#from = undefined;
  }

  /** Whether this name has come to the end of what it held. */
  get isAtNews(): boolean {
    return this.#from === NEWS;
  }

  /** At the start, on a new connection, and when something went wrong: the group may have vanished, too. */
  async arrive(): Promise<void> {
    if (this.#from !== undefined) return;
    this.#clientId = await this.redis.client('ID');
    await createGroup(this.redis);
    // What a broken connection was handed has never arrived. It is pending, and newer than all that has.
    this.#from = this.#newest;
  }

  /** What waits gets older. Says that it was not left behind, in good time, and drops what was taken over meanwhile. */
  async renew(ageMs: number): Promise<void> {
    if (this.waiting.length === 0 || performance.now() - this.#touchedAt < ageMs) return;
    const held = await setIdle(this.redis, this.#name, 0, this.waiting);
    this.waiting = this.waiting.filter(([id]) => held.includes(id));
    this.#touchedAt = performance.now();
  }

  /** The next order to begin, if one comes within so many milliseconds. */
  async next(ms: number): Promise<Entry | undefined> {
    if (this.waiting.length === 0) await this.#read(ms);
    return this.waiting.shift();
  }

  async #read(ms: number): Promise<void> {
    const from = this.#from ?? NEWS;
    // One's own is read one by one, or the order that kills the process takes the others along to the dead letters.
    const count = from === NEWS ? MOST_AT_A_TIME : 1;
    const group = ['GROUP', GROUP, this.#name, 'COUNT', count] as const;
    const streams = ['STREAMS', STREAM, from] as const;
    const blockMs = Math.ceil(Math.min(LONGEST_BLOCK_MS, ms));
    const reply = await (blockMs > 0 // a BLOCK of 0 has no end
      ? this.redis.xreadgroup(...group, 'BLOCK', blockMs, ...streams)
      : this.redis.xreadgroup(...group, ...streams));
    if (this.#from !== from) return; // sent again over a new connection: it is one's own by now, and read as that
    this.waiting = reply?.[0]?.[1] ?? [];
    this.#touchedAt = performance.now();
    this.#newest = this.waiting.at(-1)?.[0] ?? this.#newest;
    if (from !== NEWS) this.#from = this.waiting.length > 0 ? this.#newest : NEWS;
  }

  /** Ends a read: it comes back with what Redis is just handing out. To cut the connection off would lose that. */
  stop(redis: Redis): void {
    redis.client('UNBLOCK', this.#clientId).catch(() => {}); // then the BLOCK ends it
    this.#lastResort = setTimeout(() => this.redis.disconnect(), LAST_RESORT_MS);
  }

  close(): void {
    clearTimeout(this.#lastResort);
    this.redis.disconnect();
  }
}
