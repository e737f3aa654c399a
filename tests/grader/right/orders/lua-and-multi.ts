// Style: what is done in Redis is done by scripts: XACK, and putting a dead letter aside; MAXLEN with =.
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

const STREAM = 'orders:new';
const GROUP = 'order_processors';

const ACKNOWLEDGE = "return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])";
/** Puts an entry aside that is poison, or no order for the reason in ARGV[4]; if it is still the consumer's own. */
const BURY_IF_BAD = `
  local info = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1, ARGV[3])[1]
  if not info then return ARGV[4] ~= '' and 1 or 0 end
  if info[4] <= 3 and ARGV[4] == '' then return 0 end
  local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
  if entry then
    local fields = entry[2]
    for _, text in ipairs({'originalId', ARGV[2], 'reason', ARGV[4]}) do fields[#fields + 1] = text end
    redis.call('XADD', KEYS[2], '*', unpack(fields))
  end
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
  return 1
`;

export async function publishOrder(redis: Redis, order: Order): Promise<string> {
  const { productId, userId, quantity, timestamp } = order;
  return String(
    await redis.xadd(
      STREAM,
      'MAXLEN',
      '=',
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
    const page = await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor, 'COUNT', 2);
    const [next, entries] = page as [string, (Entry | null)[]];
    for (const entry of entries)
      if (entry && (await one(redis, name, entry, handleOrder, signal))) handled++;
    cursor = next;
  } while (cursor !== '0-0' && !signal?.aborted);
  return handled;
}

async function finishOwn(
  redis: Redis,
  name: string,
  handle: OrderHandler,
  signal: AbortSignal,
): Promise<void> {
  let after = '0-0';
  while (!signal.aborted) {
    const place = ['COUNT', 1, 'STREAMS', STREAM, after] as const;
    const reply = await redis.xreadgroup('GROUP', GROUP, name, ...place);
    const [entry] = reply?.[0]?.[1] ?? [];
    if (!entry) return;
    await one(redis, name, entry, handle, signal);
    after = entry[0];
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
  const reader = redis.duplicate({ connectionName: `${name}-reader` });
  let next = 0;
  let step: 'own' | 'new' = 'own';
  while (!signal.aborted) {
    try {
      if (step === 'own') await finishOwn(redis, name, handleOrder, signal);
      step = 'new';
      if (next < Date.now()) {
        await reclaimOrders(redis, name, minIdleMs, handleOrder, signal);
        next = Date.now() + Math.ceil(minIdleMs / 2);
      }
      if (signal.aborted) break;
      const blockMs = Math.min(minIdleMs, 300);
      const place = ['COUNT', 1, 'BLOCK', blockMs, 'STREAMS', STREAM, '>'] as const;
      const reply = await reader.xreadgroup('GROUP', GROUP, name, ...place);
      for (const [, entries] of reply ?? [])
        for (const entry of entries) await one(redis, name, entry, handleOrder, signal);
    } catch (error) {
      const { message } = error as Error;
      if (!message.startsWith('NOGROUP') && !message.startsWith('UNBLOCKED')) {
        reader.disconnect();
        throw error;
      }
      await createGroup(redis);
    }
  }
  await reader.quit();
}

async function one(
  redis: Redis,
  name: string,
  [id, fields]: Entry,
  handle: OrderHandler,
  signal?: AbortSignal,
): Promise<boolean> {
  if (fields) {
    const order = parse(fields);
    const wrong = typeof order === 'string' ? order : '';
    const keys = [STREAM, 'orders:dead'] as const;
    if (await redis.eval(BURY_IF_BAD, 2, ...keys, GROUP, id, name, wrong)) return false;
    if (typeof order === 'string' || signal?.aborted) return false;
    try {
      await inTime(handle(order, id), signal);
    } catch {
      return false;
    }
  }
  await redis.eval(ACKNOWLEDGE, 1, STREAM, GROUP, id);
  return fields !== null;
}

/** Waits for a handler, and at most for half a second after the abort. */
async function inTime(handling: Promise<void>, signal?: AbortSignal): Promise<void> {
  if (!signal) return await handling;
  let timer: NodeJS.Timeout | undefined;
  let onAbort = () => {};
  const tooLate = new Promise<never>((_, reject) => {
    onAbort = () => {
      timer = setTimeout(() => reject(new Error('too late')), 550);
    };
  });
  signal.addEventListener('abort', onAbort);
  try {
    await Promise.race([handling, tooLate]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }
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
