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
const BURY_IF_POISON = `
  local info = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1)[1]
  if not info or info[4] <= 3 then return 0 end
  local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
  local fields = entry and entry[2] or {}
  fields[#fields + 1] = 'originalId'
  fields[#fields + 1] = ARGV[2]
  redis.call('XADD', KEYS[2], '*', unpack(fields))
  return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
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
): Promise<number> {
  let handled = 0;
  let cursor = '0-0';
  for (;;) {
    const [next, entries] = (await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor)) as [
      string,
      (Entry | null)[],
    ];
    for (const entry of entries) if (entry && (await one(redis, entry, handleOrder))) handled++;
    if (next === '0-0') return handled;
    cursor = next;
  }
}

async function finishOwn(
  redis: Redis,
  name: string,
  handle: OrderHandler,
  signal: AbortSignal,
): Promise<void> {
  let after = '0-0';
  while (!signal.aborted) {
    const reply = await redis.xreadgroup(
      'GROUP',
      GROUP,
      name,
      'COUNT',
      1,
      'STREAMS',
      STREAM,
      after,
    );
    const [entry] = reply?.[0]?.[1] ?? [];
    if (!entry) return;
    await one(redis, entry, handle);
    after = entry[0];
  }
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  { signal, minIdleMs }: WorkerOptions,
): Promise<void> {
  await createGroup(redis);
  await finishOwn(redis, name, handleOrder, signal);
  const reader = redis.duplicate({ connectionName: `${name}-reader` });
  let next = 0;
  while (!signal.aborted) {
    if (next < Date.now()) {
      await reclaimOrders(redis, name, minIdleMs, handleOrder);
      next = Date.now() + Math.ceil(minIdleMs / 2);
    }
    const reply = await reader.xreadgroup(
      'GROUP',
      GROUP,
      name,
      'COUNT',
      1,
      'BLOCK',
      Math.min(minIdleMs, 300),
      'STREAMS',
      STREAM,
      '>',
    );
    for (const [, entries] of reply ?? [])
      for (const entry of entries) await one(redis, entry, handleOrder);
  }
  await reader.quit();
}

async function one(redis: Redis, [id, fields]: Entry, handle: OrderHandler): Promise<boolean> {
  if (fields) {
    if (await redis.eval(BURY_IF_POISON, 2, STREAM, 'orders:dead', GROUP, id)) return false;
    try {
      await handle(parse(fields), id);
    } catch {
      return false;
    }
  }
  await redis.eval(ACKNOWLEDGE, 1, STREAM, GROUP, id);
  return fields !== null;
}

function parse(fields: string[]): Order {
  const map = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) map.set(fields[i] ?? '', fields[i + 1] ?? '');
  return {
    productId: map.get('productId') ?? '',
    userId: map.get('userId') ?? '',
    quantity: Number(map.get('quantity')),
    timestamp: Number(map.get('timestamp')),
  };
}
