// Style: a lease per user (SET NX PX, renewed by a comparing script), read with a blocking XREADGROUP. Whatever is
// applied is applied by a script that first fills the gap between the last id and this one from the stream.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';

type CartEvent =
  | {
      eventType: 'item:add' | 'item:remove';
      itemId: string;
      quantity: number;
      timestamp: number;
    }
  | { eventType: 'cart:checkout'; timestamp: number };

const GROUP = 'cart_projectors';
const EVENTS = 'cart:events:';
const ALIVE = 'cart:projectors';
const leaseKey = (userId: string) => `cart:lease:${userId}`;

/** KEYS: cart, last id, stream, snapshot. */
const keysOf = (userId: string) => [
  `cart:current:${userId}`,
  `cart:last:${userId}`,
  `${EVENTS}${userId}`,
  `cart:snapshot:${userId}`,
];

const LIBRARY = `
local function newer(a, b)
  local aMs, aSeq = string.match(a, '(%d+)%-(%d+)')
  local bMs, bSeq = string.match(b, '(%d+)%-(%d+)')
  if aMs ~= bMs then return #aMs > #bMs or (#aMs == #bMs and aMs > bMs) end
  return #aSeq > #bSeq or (#aSeq == #bSeq and aSeq > bSeq)
end

local function asEvent(fields)
  local event = {}
  for i = 1, #fields, 2 do event[fields[i]] = fields[i + 1] end
  return event
end

local SIGN = { ['item:add'] = 1, ['item:remove'] = -1 }
local function flaw(event)
  if event.eventType == 'cart:checkout' then return nil end
  if not SIGN[event.eventType or ''] then return 'eventType' end
  if not event.itemId then return 'itemId' end
  if not string.match(event.quantity or '', '^[1-9]%d*$') then return 'quantity' end
end

local function change(fields)
  local event = asEvent(fields)
  if flaw(event) then return end
  if event.eventType == 'cart:checkout' then return redis.call('DEL', KEYS[1]) end
  local quantity = SIGN[event.eventType] * event.quantity
  if redis.call('HINCRBY', KEYS[1], event.itemId, quantity) <= 0 then
    redis.call('HDEL', KEYS[1], event.itemId)
  end
end

local function replay(last, upTo)
  while true do
    local page = redis.call('XRANGE', KEYS[3], '(' .. last, upTo, 'COUNT', 500)
    if #page == 0 then return last end
    for _, entry in ipairs(page) do
      change(entry[2])
      last = entry[1]
    end
    redis.call('SET', KEYS[2], last)
  end
end
`;

const APPLY = `${LIBRARY}
local id = table.remove(ARGV, 1)
if newer(id, redis.call('GET', KEYS[2]) or '0-0') then
  change(ARGV)
  redis.call('SET', KEYS[2], id)
end`;

const CATCH_UP = `${LIBRARY} replay(redis.call('GET', KEYS[2]) or '0-0', ARGV[1])`;

/** ARGV: group, user, ids. What is no event goes to the dead; all of them are acknowledged. */
const ACKNOWLEDGE = `${LIBRARY}
local group, user = table.remove(ARGV, 1), table.remove(ARGV, 1)
for _, id in ipairs(ARGV) do
  local entry = redis.call('XRANGE', KEYS[3], id, id)[1]
  local reason = entry and flaw(asEvent(entry[2]))
  if reason then
    redis.call('XADD', 'cart:dead', '*', 'userId', user, 'originalId', id, 'reason', reason, unpack(entry[2]))
  end
  redis.call('XACK', KEYS[3], group, id)
end`;

const REBUILD = `${LIBRARY}
redis.call('DEL', KEYS[1], KEYS[2])
local kept = redis.call('GET', KEYS[4])
local snapshot = kept and cjson.decode(kept) or { id = '0-0', cart = {} }
for i = 1, #snapshot.cart, 2 do
  redis.call('HSET', KEYS[1], snapshot.cart[i], snapshot.cart[i + 1])
end
redis.call('SET', KEYS[2], snapshot.id)
local last = replay(snapshot.id, '+')
if ARGV[1] == 'keep' then
  redis.call('SET', KEYS[4], cjson.encode({ id = last, cart = redis.call('HGETALL', KEYS[1]) }))
end`;

const RENEW = `return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('PEXPIRE', KEYS[1], ARGV[2])`;
const RELEASE = `return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1])`;

/** Says that this projector lives, by the clock of the server, and counts those that do. */
const HEARTBEAT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
return redis.call('ZCARD', KEYS[1])`;

export async function recordEvent(redis: Redis, userId: string, event: CartEvent): Promise<string> {
  const id = await redis.xadd(`${EVENTS}${userId}`, '*', ...Object.entries(event).flat());
  return String(id);
}

export async function applyEvent(
  redis: Redis,
  userId: string,
  id: string,
  event: CartEvent,
): Promise<void> {
  await redis.eval(APPLY, 2, ...keysOf(userId).slice(0, 2), id, ...Object.entries(event).flat());
}

export async function readCart(redis: Redis, userId: string): Promise<Record<string, number>> {
  const lines = Object.entries(await redis.hgetall(`cart:current:${userId}`));
  return Object.fromEntries(lines.map(([itemId, quantity]) => [itemId, Number(quantity)]));
}

export const rebuildCarts = (redis: Redis): Promise<number> => rebuildAll(redis, 'forget');
export const snapshotCarts = (redis: Redis): Promise<number> => rebuildAll(redis, 'keep');

async function rebuildAll(redis: Redis, mode: 'forget' | 'keep'): Promise<number> {
  const users = await findUsers(redis);
  for (const userId of users) await redis.eval(REBUILD, 4, ...keysOf(userId), mode);
  return users.length;
}

async function findUsers(redis: Redis): Promise<string[]> {
  const users = new Set<string>();
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `${EVENTS}*`, 'COUNT', 500);
    for (const key of keys) users.add(key.slice(EVENTS.length));
    cursor = next;
  } while (cursor !== '0');
  return [...users];
}

export async function runProjector(
  redis: Redis,
  name: string,
  options: { signal: AbortSignal; leaseMs: number },
): Promise<void> {
  const { signal, leaseMs } = options;
  const token = `${name}:${randomUUID()}`;
  const tick = Math.ceil(Math.min(150, leaseMs / 5));
  const reader = redis.duplicate();
  const mine = new Set<string>();
  let shared = 0;
  let settled = 0;
  try {
    while (!signal.aborted) {
      if (Date.now() - shared >= tick) {
        shared = Date.now();
        await shareUsers();
      }
      if (Date.now() - settled >= leaseMs / 2) {
        settled = Date.now();
        for (const userId of mine) await settlePending(redis, userId).catch(makeGroups);
      }
      if (mine.size === 0) await sleep(tick);
      else await readMine().catch(makeGroups);
    }
  } finally {
    reader.disconnect();
    await redis.zrem(ALIVE, token);
    for (const userId of mine) await redis.eval(RELEASE, 1, leaseKey(userId), token);
  }

  /** Keeps what is mine, gives back what is more than my share, takes what is free if it is less. */
  async function shareUsers(): Promise<void> {
    const living = Number(await redis.eval(HEARTBEAT, 1, ALIVE, token, leaseMs));
    const users = await findUsers(redis);
    const share = Math.ceil(users.length / living);
    for (const userId of mine) {
      const script = mine.size > share || !users.includes(userId) ? RELEASE : RENEW;
      const held = await redis.eval(script, 1, leaseKey(userId), token, leaseMs);
      if (script === RELEASE || held !== 1) mine.delete(userId);
    }
    if (mine.size >= share) return;
    const holders = await redis.mget(users.map(leaseKey));
    for (const userId of users.filter((_, i) => holders[i] === null)) {
      if (mine.size >= share) return;
      if (!(await redis.set(leaseKey(userId), token, 'PX', leaseMs, 'NX'))) continue;
      mine.add(userId);
      await makeGroup(userId);
      await settlePending(redis, userId).catch(makeGroups);
    }
  }

  async function makeGroup(userId: string): Promise<void> {
    await redis.xgroup('CREATE', `${EVENTS}${userId}`, GROUP, '0').catch(() => {}); // exists, or is gone
  }

  /** A stream was deleted and written anew, or a group destroyed. */
  async function makeGroups(error: Error): Promise<void> {
    if (!/^(NOGROUP|UNBLOCKED)/.test(error.message)) throw error;
    for (const userId of mine) await makeGroup(userId);
    await shareUsers();
  }

  async function readMine(): Promise<void> {
    const users = [...mine];
    const streams = users.map((userId) => `${EVENTS}${userId}`);
    const from = ['STREAMS', ...streams, ...users.map(() => '>')] as const;
    const limits = ['COUNT', 100, 'BLOCK', tick] as const;
    const reply = await reader.xreadgroup('GROUP', GROUP, name, ...limits, ...from);
    for (const [stream, entries] of reply ?? []) {
      await settle(
        redis,
        stream.slice(EVENTS.length),
        entries.map(([id]) => id),
      );
    }
  }
}

/** Sees to what was delivered and never acknowledged, to whomever: it is applied or was, so it can go. */
async function settlePending(redis: Redis, userId: string): Promise<void> {
  const pending = await redis.xpending(`${EVENTS}${userId}`, GROUP, '-', '+', 500);
  const ids = (pending as [string][]).map(([id]) => id);
  await settle(redis, userId, ids);
  if (ids.length === 500) await settlePending(redis, userId);
}

async function settle(redis: Redis, userId: string, ids: string[]): Promise<void> {
  const newest = ids.at(-1);
  if (newest === undefined) return;
  await redis.eval(CATCH_UP, 4, ...keysOf(userId), newest);
  await redis.eval(ACKNOWLEDGE, 4, ...keysOf(userId), GROUP, userId, ...ids);
}
