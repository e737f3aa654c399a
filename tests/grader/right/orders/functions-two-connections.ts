// Plain functions. A connection of its own for the blocking read, the caller's for all else.
// Takes over with XPENDING IDLE and XCLAIM, one order at a time, directly before it is handled.
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
const KEEP = 10_000;
const MAX_DELIVERIES = 3;
/** What the order in hand gets after the abort. */
const GRACE_MS = 500;
/** The longest blocked read: a group that vanished in silence is noticed after it. */
const MAX_BLOCK_MS = 400;
const PAGE = 100;

type Fields = string[] | null;
type Outcome = 'done' | 'failed' | 'dropped' | 'left';

export async function publishOrder(redis: Redis, order: Order): Promise<string> {
  const id = await redis.xadd(
    STREAM,
    'MAXLEN',
    '~',
    KEEP,
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
  return id!;
}

export async function createGroup(redis: Redis): Promise<void> {
  try {
    await redis.xgroup('CREATE', STREAM, GROUP, '0', 'MKSTREAM');
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error;
  }
}

/** The order, or what is wrong with the entry. */
function readOrder(fields: string[]): Order | string {
  const byName = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) byName.set(fields[i]!, fields[i + 1]!);
  const productId = byName.get('productId');
  const userId = byName.get('userId');
  const quantity = byName.get('quantity');
  const timestamp = byName.get('timestamp');
  if (productId === undefined) return 'productId is missing';
  if (userId === undefined) return 'userId is missing';
  if (quantity === undefined) return 'quantity is missing';
  if (timestamp === undefined) return 'timestamp is missing';
  if (!/^\d+$/.test(quantity) || Number(quantity) < 1)
    return 'quantity is not a whole number from 1 on';
  if (!/^\d+$/.test(timestamp)) return 'timestamp is not a whole number from 0 on';
  return { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) };
}

/** Runs the handler. After an abort it has half a second, and is left behind then. */
async function attempt(
  handleOrder: OrderHandler,
  order: Order,
  id: string,
  signal?: AbortSignal,
): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const outOfTime = new Promise<Outcome>((resolve) => {
    onAbort = () => {
      timer = setTimeout(() => resolve('left'), GRACE_MS);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  // the async function makes a rejection of a throw
  const finished = (async () => handleOrder(order, id))().then(
    (): Outcome => 'done',
    (): Outcome => 'failed',
  );
  try {
    return await Promise.race([finished, outOfTime]);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

/** XADD first, XACK after it: a crash between them makes two of it, and not none. */
async function bury(redis: Redis, id: string, fields: string[], reason: string): Promise<void> {
  // byte for byte, if it is still there
  const [entry] = await redis.xrangeBuffer(STREAM, id, id);
  const copy: (string | Buffer)[] = entry?.[1] ?? fields;
  await redis.xadd(DEAD, '*', ...copy, 'originalId', id, 'reason', reason);
  await redis.xack(STREAM, GROUP, id);
}

/** Everything that is done with one order that is in the hands of this worker. */
async function work(
  redis: Redis,
  id: string,
  fields: Fields,
  deliveries: number,
  handleOrder: OrderHandler,
  signal?: AbortSignal,
): Promise<Outcome> {
  if (fields === null) {
    await redis.xack(STREAM, GROUP, id);
    return 'dropped';
  }
  const order = readOrder(fields);
  if (typeof order === 'string') {
    await bury(redis, id, fields, order);
    return 'dropped';
  }
  if (deliveries > MAX_DELIVERIES) {
    await bury(redis, id, fields, `delivered ${deliveries} times`);
    return 'dropped';
  }
  if (signal?.aborted) return 'left';
  const outcome = await attempt(handleOrder, order, id, signal);
  if (outcome === 'done') await redis.xack(STREAM, GROUP, id);
  return outcome;
}

/** Redis's own count of the order, or null when it is in somebody else's hands by now. */
async function deliveriesOf(redis: Redis, name: string, id: string): Promise<number | null> {
  const [entry] = (await redis.xpending(STREAM, GROUP, id, id, 1)) as [
    string,
    string,
    number,
    number,
  ][];
  if (!entry) return 1;
  return entry[1] === name ? Number(entry[3]) : null;
}

/** One pass over all that is due, from the first to the last. */
async function takeOver(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
  signal?: AbortSignal,
): Promise<number> {
  let handled = 0;
  let from = '-';
  for (;;) {
    if (signal?.aborted) return handled;
    const due = (await redis.xpending(STREAM, GROUP, 'IDLE', minIdleMs, from, '+', PAGE)) as [
      string,
      string,
      number,
      number,
    ][];
    for (const [id] of due) {
      if (signal?.aborted) return handled;
      const [claimed] = (await redis.xclaim(STREAM, GROUP, name, minIdleMs, id)) as [
        string,
        Fields,
      ][];
      // somebody was faster, or it was trimmed away, and XCLAIM has cleared it
      if (!claimed) continue;
      const deliveries = await deliveriesOf(redis, name, id);
      if (deliveries === null) continue;
      if (signal?.aborted) return handled;
      const outcome = await work(redis, id, claimed[1], deliveries, handleOrder, signal);
      if (outcome === 'done') handled += 1;
      if (outcome === 'left') return handled;
    }
    if (due.length < PAGE) return handled;
    from = `(${due.at(-1)![0]}`;
  }
}

function hasVanished(error: unknown): boolean {
  return error instanceof Error && /\b(NOGROUP|UNBLOCKED)\b/.test(error.message);
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  { signal, minIdleMs }: WorkerOptions,
): Promise<void> {
  if (signal.aborted) return;
  const reader = redis.duplicate({
    lazyConnect: false,
    enableOfflineQueue: true,
    commandTimeout: undefined,
  });
  reader.on('error', () => {});
  const closed = new Promise<void>((resolve) => reader.once('end', () => resolve()));
  const hangUp = () => reader.disconnect();
  signal.addEventListener('abort', hangUp, { once: true });

  const lookEveryMs = Math.min(minIdleMs / 4, 5_000);
  let nextLook = 0;
  /** The last of its own old orders that was looked at; null when all of them were. */
  let own: string | null = '0-0';

  const step = async (): Promise<void> => {
    if (own !== null) {
      const reply = await redis.xreadgroup(
        'GROUP',
        GROUP,
        name,
        'COUNT',
        1,
        'STREAMS',
        STREAM,
        own,
      );
      const entry = reply?.[0]?.[1][0];
      if (!entry) {
        own = null;
        return;
      }
      own = entry[0];
      const deliveries = await deliveriesOf(redis, name, entry[0]);
      if (deliveries === null || signal.aborted) return;
      await work(redis, entry[0], entry[1], deliveries, handleOrder, signal);
      return;
    }
    if (performance.now() >= nextLook) {
      nextLook = performance.now() + lookEveryMs;
      await takeOver(redis, name, minIdleMs, handleOrder, signal);
      return;
    }
    const block = Math.max(1, Math.min(MAX_BLOCK_MS, Math.floor(nextLook - performance.now())));
    const reply = await reader.xreadgroup(
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
    );
    const entry = reply?.[0]?.[1][0];
    if (!entry || signal.aborted) return;
    await work(redis, entry[0], entry[1], 1, handleOrder, signal);
  };

  try {
    await createGroup(redis);
    while (!signal.aborted) {
      try {
        await step();
      } catch (error) {
        if (signal.aborted) break;
        if (!hasVanished(error)) throw error;
        await createGroup(redis);
      }
    }
  } finally {
    signal.removeEventListener('abort', hangUp);
    reader.disconnect();
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([closed, new Promise((resolve) => (timer = setTimeout(resolve, 200)))]);
    clearTimeout(timer);
  }
}

export async function pendingByWorker(redis: Redis): Promise<Record<string, number>> {
  const [, , , workers] = (await redis.xpending(STREAM, GROUP)) as [
    number,
    string | null,
    string | null,
    [string, string][] | null,
  ];
  return Object.fromEntries((workers ?? []).map(([name, count]) => [name, Number(count)]));
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  return takeOver(redis, name, minIdleMs, handleOrder);
}
