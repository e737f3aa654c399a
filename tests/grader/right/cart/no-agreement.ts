// No agreement at all: everybody reads everything (blocking, on a connection of its own), a script catches up straight from the stream
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';

export type CartEvent =
  | { eventType: 'item:add' | 'item:remove'; itemId: string; quantity: number; timestamp: number }
  | { eventType: 'cart:checkout'; timestamp: number };

export interface ProjectorOptions {
  signal: AbortSignal;
  leaseMs: number;
}

const GROUP = 'cart_projectors';
const DEAD = 'cart:dead';
const EVENTS = 'cart:events:';
const eventsKey = (userId: string): string => `${EVENTS}${userId}`;
const cartKey = (userId: string): string => `cart:current:${userId}`;
const lastKey = (userId: string): string => `cart:last:${userId}`;
const snapshotKey = (userId: string): string => `cart:snapshot:${userId}`;

/** Waits, but not beyond the abort. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** Everybody who has a stream. */
async function findUsers(redis: Redis): Promise<string[]> {
  const found = new Set<string>();
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(
      cursor,
      'MATCH',
      `${EVENTS}*`,
      'COUNT',
      500,
      'TYPE',
      'stream',
    );
    for (const key of keys) found.add(key.slice(EVENTS.length));
    cursor = next;
  } while (cursor !== '0');
  return [...found].sort();
}

function toFields(event: CartEvent): string[] {
  return Object.entries(event).flatMap(([field, value]) =>
    value === undefined || value === null ? [] : [field, String(value)],
  );
}

export async function recordEvent(redis: Redis, userId: string, event: CartEvent): Promise<string> {
  const id = await redis.xadd(eventsKey(userId), '*', ...toFields(event));
  if (id === null) throw new Error('XADD gave no id');
  return id;
}

export async function readCart(redis: Redis, userId: string): Promise<Record<string, number>> {
  const hash = await redis.hgetall(cartKey(userId));
  return Object.fromEntries(
    Object.entries(hash).map(([item, quantity]) => [item, Number(quantity)]),
  );
}

/** Ids are two whole numbers of 64 bits: compared as digits, the longer one is the greater one. */
const LUA_IDS = `
local MAX = '18446744073709551615-18446744073709551615'
local function parts(id)
  local ms, seq = string.match(id, '^0*(%d*)%-0*(%d*)$')
  if not ms then ms = string.match(id, '^0*(%d*)$') end
  return ms or '', seq or ''
end
local function greater(a, b)
  if #a ~= #b then return #a > #b end
  return a > b
end
local function newer(a, b)
  local ams, aseq = parts(a)
  local bms, bseq = parts(b)
  if ams ~= bms then return greater(ams, bms) end
  return greater(aseq, bseq)
end
`;

/** What an entry means: an event, or nothing and a reason. */
const LUA_EVENTS = `
local function understand(fields)
  local entry = {}
  for i = 1, #fields, 2 do entry[fields[i]] = fields[i + 1] end
  local kind = entry.eventType
  if kind == 'cart:checkout' then return { sign = 0 } end
  if kind ~= 'item:add' and kind ~= 'item:remove' then return nil, 'unknown eventType' end
  if not entry.itemId or entry.itemId == '' then return nil, 'no itemId' end
  local quantity = entry.quantity
  if not quantity or not string.match(quantity, '^[1-9]%d*$') or greater(quantity, '9007199254740991') then
    return nil, 'quantity is no whole number from 1 on'
  end
  return { sign = kind == 'item:add' and 1 or -1, item = entry.itemId, n = tonumber(quantity) }
end
local function change(key, event)
  if event.sign == 0 then
    redis.call('DEL', key)
    return
  end
  local n = (tonumber(redis.call('HGET', key, event.item) or '0') or 0) + event.sign * event.n
  if n > 0 then
    redis.call('HSET', key, event.item, string.format('%.0f', n))
  else
    redis.call('HDEL', key, event.item)
  end
end
local function bury(dead, stream, group, user, id, fields, reason)
  if #redis.call('XPENDING', stream, group, id, id, 1) == 0 then return end
  local args = {}
  for i = 1, math.min(#fields, 7000) do args[i] = fields[i] end
  for _, value in ipairs({ 'userId', user, 'originalId', id, 'reason', reason }) do args[#args + 1] = value end
  redis.call('XADD', dead, '*', unpack(args))
  redis.call('XACK', stream, group, id)
end
`;

/** KEYS cart, last; ARGV id, fields of the event */
const APPLY = `${LUA_IDS}${LUA_EVENTS}
local id = ARGV[1]
local last = redis.call('GET', KEYS[2])
if last and not newer(id, last) then return 0 end
local fields = {}
for i = 2, #ARGV do fields[#fields + 1] = ARGV[i] end
local event = understand(fields)
if event then change(KEYS[1], event) end
redis.call('SET', KEYS[2], id)
return 1
`;

export async function applyEvent(
  redis: Redis,
  userId: string,
  id: string,
  event: CartEvent,
): Promise<void> {
  await redis.eval(APPLY, 2, cartKey(userId), lastKey(userId), id, ...toFields(event));
}

/** KEYS stream, cart, last, snapshot; ARGV '1' to keep a snapshot. The whole stream in one go: nothing comes between. */
const REBUILD = `${LUA_IDS}${LUA_EVENTS}
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local snapshot = redis.call('HGETALL', KEYS[4])
redis.call('DEL', KEYS[2])
local id = ''
for i = 1, #snapshot, 2 do
  if snapshot[i] == '@' then
    id = snapshot[i + 1]
  else
    redis.call('HSET', KEYS[2], string.sub(snapshot[i], 2), snapshot[i + 1])
  end
end
while id ~= MAX do
  local page = redis.call('XRANGE', KEYS[1], id == '' and '-' or '(' .. id, '+', 'COUNT', 1000)
  for _, entry in ipairs(page) do
    local event = understand(entry[2])
    if event then change(KEYS[2], event) end
    id = entry[1]
  end
  if #page < 1000 then break end
end
if id == '' then return 1 end
redis.call('SET', KEYS[3], id)
if ARGV[1] == '1' then
  redis.call('DEL', KEYS[4])
  redis.call('HSET', KEYS[4], '@', id)
  local cart = redis.call('HGETALL', KEYS[2])
  for i = 1, #cart, 2 do redis.call('HSET', KEYS[4], '=' .. cart[i], cart[i + 1]) end
end
return 1
`;

async function rebuildAll(redis: Redis, keep: boolean): Promise<number> {
  let count = 0;
  for (const userId of await findUsers(redis)) {
    const keys = [eventsKey(userId), cartKey(userId), lastKey(userId), snapshotKey(userId)];
    count += Number(await redis.eval(REBUILD, 4, ...keys, keep ? '1' : '0'));
  }
  return count;
}

export async function rebuildCarts(redis: Redis): Promise<number> {
  return rebuildAll(redis, false);
}

export async function snapshotCarts(redis: Redis): Promise<number> {
  return rebuildAll(redis, true);
}

/**
 * KEYS stream, cart, last, dead; ARGV group, user, ids that were delivered, oldest first. Brings the cart up to the newest of
 * them, in the order of the stream, whatever has been delivered to whom; then settles those that were delivered.
 */
const SETTLE = `${LUA_IDS}${LUA_EVENTS}
local stream, cart, last, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local group, user = ARGV[1], ARGV[2]
local upto = ARGV[#ARGV]
local at = redis.call('GET', last) or ''
while at == '' or newer(upto, at) do
  local page = redis.call('XRANGE', stream, at == '' and '-' or '(' .. at, upto, 'COUNT', 100)
  for _, entry in ipairs(page) do
    local event = understand(entry[2])
    if event then change(cart, event) end
    at = entry[1]
  end
  if #page < 100 then break end
end
if at ~= '' then redis.call('SET', last, at) end
for i = 3, #ARGV do
  local found = redis.call('XRANGE', stream, ARGV[i], ARGV[i])
  if found[1] then
    local event, reason = understand(found[1][2])
    if not event then bury(dead, stream, group, user, ARGV[i], found[1][2], reason) end
  end
  redis.call('XACK', stream, group, ARGV[i])
end
return 0
`;

type Entry = [id: string, fields: string[] | null];

const isMissing = (error: unknown): boolean =>
  error instanceof Error && /NOGROUP|UNBLOCKED|requires the key to exist/.test(error.message);

export async function runProjector(
  redis: Redis,
  name: string,
  { signal, leaseMs }: ProjectorOptions,
): Promise<void> {
  if (signal.aborted) return;
  const reader = redis.duplicate();
  const claimMs = Math.max(20, Math.min(1000, leaseMs / 4));
  const grouped = new Set<string>();
  let users: string[] = [];
  let scannedAt = -Infinity;
  let claimedAt = -Infinity;

  async function findGroups(): Promise<void> {
    scannedAt = performance.now();
    users = await findUsers(redis);
    for (const userId of users) {
      if (grouped.has(userId)) continue;
      try {
        await redis.xgroup('CREATE', eventsKey(userId), GROUP, '0');
      } catch (error) {
        if (isMissing(error)) continue;
        if (!(error instanceof Error) || !error.message.includes('BUSYGROUP')) throw error;
      }
      grouped.add(userId);
    }
    users = users.filter((userId) => grouped.has(userId));
  }

  async function settle(userId: string, ids: string[]): Promise<void> {
    if (ids.length === 0 || signal.aborted) return;
    const keys = [eventsKey(userId), cartKey(userId), lastKey(userId), DEAD];
    await redis.eval(SETTLE, 4, ...keys, GROUP, userId, ...ids);
  }

  /** What has been with somebody for leaseMs, be it another or ourselves before a restart. */
  async function claim(): Promise<void> {
    for (const userId of users) {
      let cursor = '0-0';
      do {
        if (signal.aborted) return;
        const [next, entries, gone] = (await redis.xautoclaim(
          eventsKey(userId),
          GROUP,
          name,
          Math.ceil(leaseMs),
          cursor,
          'COUNT',
          100,
        )) as [string, (Entry | null)[], string[]?];
        cursor = next;
        await settle(
          userId,
          entries.flatMap((entry) => (entry ? [entry[0]] : [])),
        );
        if (gone && gone.length > 0) await redis.xack(eventsKey(userId), GROUP, ...gone);
      } while (cursor !== '0-0');
    }
    claimedAt = performance.now();
  }

  async function readNew(): Promise<void> {
    const keys = users.map(eventsKey);
    const answer = (await reader.xreadgroup(
      'GROUP',
      GROUP,
      name,
      'COUNT',
      25,
      'BLOCK',
      100,
      'STREAMS',
      ...keys,
      ...keys.map(() => '>'),
    )) as [string, Entry[]][] | null;
    for (const [key, entries] of answer ?? []) {
      await settle(
        key.slice(EVENTS.length),
        entries.map(([id]) => id),
      );
    }
  }

  try {
    while (!signal.aborted) {
      try {
        if (performance.now() - scannedAt > 300) await findGroups();
        if (performance.now() - claimedAt > claimMs) await claim();
        if (users.length === 0) await pause(50, signal);
        else await readNew();
      } catch (error) {
        // A stream or its group has gone: see what there is, and make what is missing.
        if (isMissing(error)) {
          grouped.clear();
          scannedAt = -Infinity;
        }
        await pause(20, signal);
      }
    }
  } finally {
    reader.disconnect();
  }
}
