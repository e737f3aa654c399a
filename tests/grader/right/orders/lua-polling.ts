// Lua scripts for taking and putting aside; no blocking at all, polls on the caller's connection; own orders from a snapshot

import { setTimeout as delay } from 'node:timers/promises';
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

const stream = 'orders:new';
const dead = 'orders:dead';
const group = 'order_processors';

/** Takes the first order after ARGV[4] that has been idle long enough. Clears what was trimmed. */
const TAKE_IDLE = `
local start = ARGV[4]
while true do
  local rows = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], start, '+', 1)
  if #rows == 0 then return false end
  local id, deliveries = rows[1][1], rows[1][4]
  local got = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], id)
  if got[1] then return { id, got[1][2], deliveries + 1 } end
  start = '(' .. id
end`;

/** Takes order ARGV[3] if it is still this consumer's. Clears it if it was trimmed. */
const TAKE_OWN = `
local rows = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)
if #rows == 0 or rows[1][2] ~= ARGV[2] then return false end
local got = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3])
if not got[1] then return false end
return { ARGV[3], got[1][2], rows[1][4] + 1 }`;

/** Puts ARGV[2] aside: as it is in the stream, or as it was read (ARGV[4] and on) if it is not there any more. */
const PUT_ASIDE = `
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
local fields = {}
if entry then fields = entry[2] else for i = 4, #ARGV do fields[#fields + 1] = ARGV[i] end end
fields[#fields + 1] = 'originalId'
fields[#fields + 1] = ARGV[2]
if ARGV[3] ~= '' then
  fields[#fields + 1] = 'reason'
  fields[#fields + 1] = ARGV[3]
end
redis.call('XADD', KEYS[2], '*', unpack(fields))
return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])`;

interface Taken {
  id: string;
  fields: string[];
  deliveries: number;
}

const toTaken = (reply: unknown): Taken | undefined => {
  if (!Array.isArray(reply)) return undefined;
  const [id, fields, deliveries] = reply as [string, string[], number];
  return { id, fields, deliveries };
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '');

export async function publishOrder(redis: Redis, order: Order): Promise<string> {
  const { productId, userId, quantity, timestamp } = order;
  const fields = Object.entries({ productId, userId, quantity, timestamp }).flat();
  return (await redis.xadd(stream, 'MAXLEN', '~', '10000', '*', ...fields))!;
}

export async function createGroup(redis: Redis): Promise<void> {
  await redis.xgroup('CREATE', stream, group, '0-0', 'MKSTREAM').catch((error: unknown) => {
    if (!messageOf(error).startsWith('BUSYGROUP')) throw error;
  });
}

const ofNumber = (text: string | undefined, from: number): number | undefined => {
  if (text === undefined || !/^[0-9]+$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) && value >= from ? value : undefined;
};

function read(fields: string[]): { order: Order } | { reason: string } {
  const get = (wanted: string): string | undefined => {
    for (let i = 0; i < fields.length; i += 2) if (fields[i] === wanted) return fields[i + 1];
    return undefined;
  };
  const productId = get('productId');
  const userId = get('userId');
  const quantity = ofNumber(get('quantity'), 1);
  const timestamp = ofNumber(get('timestamp'), 0);
  const bad = Object.entries({ productId, userId, quantity, timestamp }).filter(
    ([, value]) => value === undefined,
  );
  if (
    productId === undefined ||
    userId === undefined ||
    quantity === undefined ||
    timestamp === undefined
  ) {
    return { reason: `missing or invalid: ${bad.map(([field]) => field).join(', ')}` };
  }
  return { order: { productId, userId, quantity, timestamp } };
}

async function putAside(redis: Redis, taken: Taken, reason = ''): Promise<void> {
  await redis.eval(PUT_ASIDE, 2, stream, dead, group, taken.id, reason, ...taken.fields);
}

type Outcome = 'handled' | 'failed' | 'aside' | 'untouched' | 'left';

async function deal(
  redis: Redis,
  taken: Taken,
  handleOrder: OrderHandler,
  signal?: AbortSignal,
): Promise<Outcome> {
  if (signal?.aborted) return 'untouched';
  const result = read(taken.fields);
  if ('reason' in result) {
    await putAside(redis, taken, result.reason);
    return 'aside';
  }
  if (taken.deliveries > 3) {
    await putAside(redis, taken);
    return 'aside';
  }
  const outcome = await new Promise<Outcome>((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const startTimer = () => {
      timer = setTimeout(() => finish('left'), 500);
    };
    const finish = (value: Outcome) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', startTimer);
      resolve(value);
    };
    signal?.addEventListener('abort', startTimer, { once: true });
    void (async () => handleOrder(result.order, taken.id))().then(
      () => finish('handled'),
      () => finish('failed'),
    );
  });
  if (outcome === 'handled') await redis.xack(stream, group, taken.id);
  return outcome;
}

async function takeOver(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
  signal?: AbortSignal,
  seen?: Set<string>,
): Promise<number> {
  let handled = 0;
  let start = '-';
  while (!signal?.aborted) {
    const taken = toTaken(await redis.eval(TAKE_IDLE, 1, stream, group, name, minIdleMs, start));
    if (!taken) break;
    start = `(${taken.id}`;
    seen?.add(taken.id);
    if ((await deal(redis, taken, handleOrder, signal)) === 'handled') handled += 1;
  }
  return handled;
}

async function ownIds(redis: Redis, name: string): Promise<string[]> {
  const ids: string[] = [];
  for (let start = '-'; ; start = `(${ids.at(-1)}`) {
    const rows = (await redis.xpending(stream, group, start, '+', 200, name)) as [
      string,
      string,
      number,
      number,
    ][];
    if (rows.length === 0) return ids;
    ids.push(...rows.map(([id]) => id));
  }
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  options: WorkerOptions,
): Promise<void> {
  const { signal, minIdleMs } = options;
  const pause = Math.max(10, Math.min(50, minIdleMs / 4));
  const every = minIdleMs / 2;
  let due = Date.now() + every;
  const seen = new Set<string>();
  let own: string[] | undefined;

  const step = async (): Promise<void> => {
    own ??= await ownIds(redis, name);
    if (Date.now() >= due) {
      await takeOver(
        redis,
        name,
        minIdleMs,
        handleOrder,
        signal,
        own.length > 0 ? seen : undefined,
      );
      due = Date.now() + every;
      return;
    }
    const id = own.shift();
    if (id !== undefined) {
      if (!seen.has(id)) {
        const taken = toTaken(await redis.eval(TAKE_OWN, 1, stream, group, name, id));
        if (taken) await deal(redis, taken, handleOrder, signal);
      }
      if (own.length === 0) due = 0;
      return;
    }
    const reply = (await redis.xreadgroup(
      'GROUP',
      group,
      name,
      'COUNT',
      1,
      'STREAMS',
      stream,
      '>',
    )) as [string, [string, string[]][]][] | null;
    const entry = reply?.[0]?.[1][0];
    if (entry)
      await deal(redis, { id: entry[0], fields: entry[1], deliveries: 1 }, handleOrder, signal);
    else await delay(pause, undefined, { signal }).catch(() => {});
  };

  if (signal.aborted) return;
  await createGroup(redis);
  while (!signal.aborted) {
    try {
      await step();
    } catch (error) {
      if (!messageOf(error).includes('NOGROUP')) throw error;
      await createGroup(redis);
    }
  }
}

export async function pendingByWorker(redis: Redis): Promise<Record<string, number>> {
  const [, , , consumers] = (await redis.xpending(stream, group)) as [
    number,
    string,
    string,
    [string, string][] | null,
  ];
  const held: Record<string, number> = {};
  for (const [consumer, count] of consumers ?? []) held[consumer] = Number.parseInt(count, 10);
  return held;
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  return takeOver(redis, name, minIdleMs, handleOrder);
}
