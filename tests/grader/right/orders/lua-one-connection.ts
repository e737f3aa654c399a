// No connection of its own: it polls on the caller's, and never blocks. A Lua script finds the next order that is due,
// takes it and counts it, in one step. The same script serves a worker that comes back, with its own name as a filter.

import { setTimeout as sleep } from 'node:timers/promises';
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

const NEW_ORDERS = 'orders:new';
const DEAD_ORDERS = 'orders:dead';
const GROUP = 'order_processors';
const POLL_MS = 50;

// KEYS: stream. ARGV: group, consumer, minimum idle time, where to start, and whose (empty: anybody's)
// Answers id, deliveries (with this one) and fields; or nothing.
const TAKE = `
local from = ARGV[4]
while true do
  local found
  if ARGV[5] == '' then
    found = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], from, '+', 1)
  else
    found = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], from, '+', 1, ARGV[5])
  end
  if #found == 0 then return false end
  local id = found[1][1]
  local taken = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], id)
  if taken[1] and taken[1][2] then
    return { id, found[1][4] + 1, taken[1][2] }
  end
  -- it was trimmed away
  redis.call('XACK', KEYS[1], ARGV[1], id)
  from = '(' .. id
end
`;

interface Taken {
  id: string;
  fields: string[];
  deliveries: number;
}

async function take(
  redis: Redis,
  name: string,
  minIdleMs: number,
  from: string,
  whose = '',
): Promise<Taken | null> {
  const reply = (await redis.eval(TAKE, 1, NEW_ORDERS, GROUP, name, minIdleMs, from, whose)) as
    | [string, number, string[]]
    | null;
  return reply && { id: reply[0], deliveries: Number(reply[1]), fields: reply[2] };
}

export async function publishOrder(redis: Redis, order: Order): Promise<string> {
  const { productId, userId, quantity, timestamp } = order;
  return (await redis.xadd(
    NEW_ORDERS,
    'MAXLEN',
    '~',
    '10000',
    '*',
    'productId',
    productId,
    'userId',
    userId,
    'quantity',
    String(quantity),
    'timestamp',
    String(timestamp),
  )) as string;
}

export async function createGroup(redis: Redis): Promise<void> {
  try {
    await redis.xgroup('CREATE', NEW_ORDERS, GROUP, '0-0', 'MKSTREAM');
  } catch (error) {
    if ((error as Error).message.startsWith('BUSYGROUP ')) return;
    throw error;
  }
}

const wholeNumber = (text: string, least: number) => /^\d+$/.test(text) && Number(text) >= least;

/** What is wrong with these fields as an order; null if nothing is. */
function complaint(fields: Map<string, string>): string | null {
  const missing = ['productId', 'userId', 'quantity', 'timestamp'].filter(
    (name) => !fields.has(name),
  );
  if (missing.length > 0) return `missing: ${missing.join(', ')}`;
  if (!wholeNumber(fields.get('quantity')!, 1)) return 'bad quantity';
  if (!wholeNumber(fields.get('timestamp')!, 0)) return 'bad timestamp';
  return null;
}

function toMap(flat: string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i < flat.length; i += 2) map.set(flat[i]!, flat[i + 1]!);
  return map;
}

async function moveToDead(redis: Redis, { id, fields }: Taken, reason: string): Promise<void> {
  const original = (await redis.xrangeBuffer(NEW_ORDERS, id, id))[0];
  await redis.xadd(
    DEAD_ORDERS,
    '*',
    ...(original ? original[1] : fields),
    'originalId',
    id,
    'reason',
    reason,
  );
  await redis.xack(NEW_ORDERS, GROUP, id);
}

/** Answers true when the order was handled, false when it was not, and null when its handler was left behind. */
async function process(
  redis: Redis,
  taken: Taken,
  handleOrder: OrderHandler,
  signal?: AbortSignal,
): Promise<boolean | null> {
  const { id, deliveries } = taken;
  const fields = toMap(taken.fields);
  const wrong = complaint(fields) ?? (deliveries > 3 ? `delivered ${deliveries} times` : null);
  if (wrong !== null) {
    await moveToDead(redis, taken, wrong);
    return false;
  }
  const order: Order = {
    productId: fields.get('productId')!,
    userId: fields.get('userId')!,
    quantity: Number(fields.get('quantity')),
    timestamp: Number(fields.get('timestamp')),
  };

  if (signal?.aborted) return null;
  let timer: NodeJS.Timeout | undefined;
  let giveUp!: (value: null) => void;
  const over = new Promise<null>((resolve) => (giveUp = resolve));
  const countDown = () => {
    timer = setTimeout(giveUp, 500, null);
  };
  signal?.addEventListener('abort', countDown, { once: true });
  const running = (async () => {
    try {
      await handleOrder(order, id);
      return true;
    } catch {
      return false;
    }
  })();
  const succeeded = await Promise.race([running, over]);
  clearTimeout(timer);
  signal?.removeEventListener('abort', countDown);

  if (succeeded) await redis.xack(NEW_ORDERS, GROUP, id);
  return succeeded;
}

/** Takes and handles one after the other, each once, from the first to the last. Answers how many were handled. */
async function drain(
  redis: Redis,
  name: string,
  minIdleMs: number,
  whose: string,
  handleOrder: OrderHandler,
  signal?: AbortSignal,
): Promise<number> {
  let handled = 0;
  let from = '-';
  while (!signal?.aborted) {
    const taken = await take(redis, name, minIdleMs, from, whose);
    if (taken === null || signal?.aborted) break;
    if (await process(redis, taken, handleOrder, signal)) handled += 1;
    from = `(${taken.id}`;
  }
  return handled;
}

async function readNew(redis: Redis, name: string): Promise<Taken | null> {
  const reply = await redis.xreadgroup(
    'GROUP',
    GROUP,
    name,
    'COUNT',
    1,
    'STREAMS',
    NEW_ORDERS,
    '>',
  );
  const entry = reply?.[0]?.[1][0];
  return entry ? { id: entry[0], fields: entry[1] ?? [], deliveries: 1 } : null;
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  options: WorkerOptions,
): Promise<void> {
  const { signal, minIdleMs } = options;
  const pollMs = Math.max(1, Math.min(POLL_MS, minIdleMs / 4));
  let ownAreDone = false;
  let lookedAt = -Infinity;

  /** One round. Answers whether there was anything to do. */
  const round = async (): Promise<boolean> => {
    if (!ownAreDone) {
      await drain(redis, name, 0, name, handleOrder, signal);
      ownAreDone = true;
    }
    if (performance.now() - lookedAt >= minIdleMs / 4) {
      lookedAt = performance.now();
      await drain(redis, name, minIdleMs, '', handleOrder, signal);
    }
    if (signal.aborted) return true;
    const fresh = await readNew(redis, name);
    if (fresh === null) return false;
    if (!signal.aborted) await process(redis, fresh, handleOrder, signal);
    return true;
  };

  if (signal.aborted) return;
  await createGroup(redis);
  while (!signal.aborted) {
    try {
      const busy = await round();
      if (!busy) await sleep(pollMs, undefined, { signal }).catch(() => {});
    } catch (error) {
      if (!/\bNOGROUP\b/.test(String((error as Error)?.message))) throw error;
      await createGroup(redis);
    }
  }
}

export async function pendingByWorker(redis: Redis): Promise<Record<string, number>> {
  const summary = (await redis.xpending(NEW_ORDERS, GROUP)) as [
    number,
    unknown,
    unknown,
    [string, string][] | null,
  ];
  const held = new Map<string, number>();
  for (const [name, count] of summary[3] ?? []) held.set(name, Number(count));
  return Object.fromEntries(held);
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  return drain(redis, name, minIdleMs, '', handleOrder);
}
