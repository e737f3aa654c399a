// One loop, one order at a time; XPENDING with IDLE and XCLAIM; blocking reads on a connection of its own, cut at the abort
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

const STREAM = 'orders:new';
const DEAD = 'orders:dead';
const GROUP = 'order_processors';
const MAX_DELIVERIES = 3;
const GRACE_MS = 500;
const BLOCK_MS = 400;

type Entry = [id: string, fields: string[] | null];
type StreamReply = [stream: string, entries: Entry[]][] | null;
type PendingRow = [id: string, consumer: string, idle: number, deliveries: number];

export async function publishOrder(redis: Redis, order: Order): Promise<string> {
  const id = await redis.xadd(
    STREAM,
    'MAXLEN',
    '~',
    10_000,
    '*',
    'productId',
    order.productId,
    'userId',
    order.userId,
    'quantity',
    order.quantity,
    'timestamp',
    order.timestamp,
  );
  if (id === null) throw new Error('XADD has answered nothing');
  return id;
}

export async function createGroup(redis: Redis): Promise<void> {
  try {
    await redis.xgroup('CREATE', STREAM, GROUP, '0', 'MKSTREAM');
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('BUSYGROUP')) throw error;
  }
}

function isGone(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.message.startsWith('NOGROUP') || error.message.startsWith('UNBLOCKED'))
  );
}

/** The order, or what is wrong with it. */
function parseOrder(fields: string[]): Order | string {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i]!, fields[i + 1]!);
  const productId = values.get('productId');
  const userId = values.get('userId');
  const quantity = values.get('quantity');
  const timestamp = values.get('timestamp');
  if (productId === undefined) return 'productId is missing';
  if (userId === undefined) return 'userId is missing';
  if (quantity === undefined) return 'quantity is missing';
  if (timestamp === undefined) return 'timestamp is missing';
  if (!isWhole(quantity, 1)) return `quantity is no whole number from 1 on: ${quantity}`;
  if (!isWhole(timestamp, 0)) return `timestamp is no whole number from 0 on: ${timestamp}`;
  return { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) };
}

function isWhole(text: string, least: number): boolean {
  return /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) && Number(text) >= least;
}

async function bury(redis: Redis, id: string, fields: string[], reason?: string): Promise<void> {
  const extra = reason === undefined ? ['originalId', id] : ['originalId', id, 'reason', reason];
  await redis.xadd(DEAD, '*', ...fields, ...extra);
  await redis.xack(STREAM, GROUP, id);
}

/** True when the handler has succeeded. False when it has failed, or has taken longer than a stop allows. */
async function attempt(
  handleOrder: OrderHandler,
  order: Order,
  id: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const run = (async () => {
    try {
      await handleOrder(order, id);
      return true;
    } catch {
      return false;
    }
  })();
  if (signal === undefined) return run;
  let timer: NodeJS.Timeout | undefined;
  let onAbort = () => {};
  const late = new Promise<boolean>((resolve) => {
    onAbort = () => {
      timer = setTimeout(() => resolve(false), GRACE_MS);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([run, late]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** True when it has been handled. */
async function work(
  redis: Redis,
  id: string,
  fields: string[],
  deliveries: number,
  handleOrder: OrderHandler,
  signal?: AbortSignal,
): Promise<boolean> {
  if (signal?.aborted) return false;
  const order = parseOrder(fields);
  if (typeof order === 'string') {
    await bury(redis, id, fields, order);
    return false;
  }
  if (deliveries > MAX_DELIVERIES) {
    await bury(redis, id, fields);
    return false;
  }
  if (!(await attempt(handleOrder, order, id, signal))) return false;
  await redis.xack(STREAM, GROUP, id);
  return true;
}

async function sweep(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
  signal?: AbortSignal,
  tried?: Set<string>,
): Promise<number> {
  let handled = 0;
  let start = '-';
  while (!signal?.aborted) {
    const rows = (await redis.xpending(
      STREAM,
      GROUP,
      'IDLE',
      minIdleMs,
      start,
      '+',
      1,
    )) as PendingRow[];
    const row = rows[0];
    if (row === undefined) break;
    const [id, , , deliveries] = row;
    start = `(${id}`;
    // Nothing comes back when somebody else was faster, or when the entry has been trimmed: then XCLAIM clears it.
    const [entry] = (await redis.xclaim(STREAM, GROUP, name, minIdleMs, id)) as Entry[];
    if (entry?.[1] == null) continue;
    tried?.add(id);
    if (await work(redis, id, entry[1], deliveries + 1, handleOrder, signal)) handled += 1;
  }
  return handled;
}

async function deliveriesOf(redis: Redis, id: string): Promise<number> {
  const [row] = (await redis.xpending(STREAM, GROUP, id, id, 1)) as PendingRow[];
  return row?.[3] ?? 1;
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  { signal, minIdleMs }: WorkerOptions,
): Promise<void> {
  if (signal.aborted) return;
  const reader = redis.duplicate();
  reader.on('error', () => {});
  const cut = () => reader.disconnect();
  signal.addEventListener('abort', cut, { once: true });
  try {
    await createGroup(redis);
    const interval = minIdleMs / 2;
    const tried = new Set<string>();
    let own = true;
    let cursor = '0';
    let nextSweep = Date.now() + interval;
    while (!signal.aborted) {
      try {
        if (Date.now() >= nextSweep) {
          await sweep(redis, name, minIdleMs, handleOrder, signal, own ? tried : undefined);
          nextSweep = Date.now() + interval;
          continue;
        }
        if (own) {
          const start = cursor === '0' ? '-' : `(${cursor}`;
          const [row] = (await redis.xpending(STREAM, GROUP, start, '+', 1, name)) as PendingRow[];
          if (row === undefined) {
            own = false;
            tried.clear();
            nextSweep = 0;
            continue;
          }
          if (tried.has(row[0])) {
            cursor = row[0];
            continue;
          }
          const reply = (await redis.xreadgroup(
            'GROUP',
            GROUP,
            name,
            'COUNT',
            1,
            'STREAMS',
            STREAM,
            cursor,
          )) as StreamReply;
          const entry = reply?.[0]?.[1][0];
          if (entry === undefined) continue;
          const [id, fields] = entry;
          cursor = id;
          if (fields === null) await redis.xack(STREAM, GROUP, id);
          else if (!tried.has(id))
            await work(redis, id, fields, await deliveriesOf(redis, id), handleOrder, signal);
          continue;
        }
        const block = Math.ceil(Math.max(1, Math.min(BLOCK_MS, nextSweep - Date.now())));
        const reply = (await reader.xreadgroup(
          'GROUP',
          GROUP,
          name,
          'COUNT',
          1,
          'BLOCK',
          block,
          'STREAMS',
          STREAM,
          '>',
        )) as StreamReply;
        const entry = reply?.[0]?.[1][0];
        if (entry?.[1] == null) continue;
        await work(redis, entry[0], entry[1], 1, handleOrder, signal);
      } catch (error) {
        if (signal.aborted) break;
        if (!isGone(error)) throw error;
        await createGroup(redis);
      }
    }
  } finally {
    signal.removeEventListener('abort', cut);
    reader.disconnect();
  }
}

export async function pendingByWorker(redis: Redis): Promise<Record<string, number>> {
  const summary = (await redis.xpending(STREAM, GROUP)) as [
    number,
    string | null,
    string | null,
    [string, string][] | null,
  ];
  return Object.fromEntries((summary[3] ?? []).map(([worker, count]) => [worker, Number(count)]));
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  return sweep(redis, name, minIdleMs, handleOrder);
}
