// Rendezvous hashing (evened out) over a list of the living, a lease for the handover, and reading, applying and acknowledging in one script
import { createHash, randomUUID } from 'node:crypto';
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

/** KEYS list of the living; ARGV me, ttl. Says that I am alive, forgets who is not, and returns the rest. */
const ALIVE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('ZRANGE', KEYS[1], 0, -1)
`;

/** KEYS leases; ARGV me, ttl. Renews those that are mine, and tells which are. */
const RENEW = `
local mine = {}
for i, key in ipairs(KEYS) do
  mine[i] = 0
  if redis.call('GET', key) == ARGV[1] then
    redis.call('PEXPIRE', key, ARGV[2])
    mine[i] = 1
  end
end
return mine
`;

/** KEYS leases; ARGV me. Gives back those that are mine. */
const RELEASE = `
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end
return 0
`;

/**
 * KEYS lease, stream, cart, last, dead; ARGV me, ttl, group, consumer, idle, count, user. A helping of a user's events,
 * from the pending ones or else the new ones, read, applied and acknowledged in one go. Returns how many, -1 for not mine.
 */
const WORK = `${LUA_IDS}${LUA_EVENTS}
local lease, stream, cart, last, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local me, ttl, group, consumer, idle, count, user =
  ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
if redis.call('EXISTS', stream) == 0 then return -1 end
local holder = redis.call('GET', lease)
if holder and holder ~= me then return -1 end
redis.call('SET', lease, me, 'PX', ttl)
local pending = redis.pcall('XPENDING', stream, group, '-', '+', count)
if pending.err then
  if not string.find(pending.err, 'NOGROUP', 1, true) then return pending end
  redis.call('XGROUP', 'CREATE', stream, group, '0')
  pending = {}
end
local done = 0
local function settle(id, fields)
  local event, reason = understand(fields)
  local newest = redis.call('GET', last)
  if not newest or newer(id, newest) then
    if event then change(cart, event) end
    redis.call('SET', last, id)
  end
  if not event then bury(dead, stream, group, user, id, fields, reason) end
  redis.call('XACK', stream, group, id)
  done = done + 1
end
if #pending > 0 then
  for _, one in ipairs(pending) do
    -- Somebody may still be at it, and then those after it have to wait too.
    if one[2] ~= consumer and one[3] < idle then return done end
    local found = redis.call('XRANGE', stream, one[1], one[1])
    if found[1] then
      settle(one[1], found[1][2])
    else
      redis.call('XACK', stream, group, one[1])
      done = done + 1
    end
  end
  return done
end
local answer = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', stream, '>')
if answer then
  for _, entry in ipairs(answer[1][2]) do settle(entry[1], entry[2]) end
end
return done
`;

const leaseKey = (userId: string): string => `cart:lease:${userId}`;
const LIVING = 'cart:projectors';

function score(member: string, userId: string): string {
  return createHash('sha1').update(`${member}\n${userId}`).digest('hex');
}

/** Everybody works this out alike: each user goes to the one with the highest score who has not got his share yet. */
function usersOf(me: string, living: string[], users: string[]): Set<string> {
  const share = Math.floor(users.length / living.length);
  const load = new Map(living.map((member) => [member, 0]));
  const mine = new Set<string>();
  for (const userId of users) {
    const free = living.filter((member) => load.get(member)! < share);
    const candidates =
      free.length > 0 ? free : living.filter((member) => load.get(member)! === share);
    let best = candidates[0]!;
    for (const member of candidates) if (score(member, userId) > score(best, userId)) best = member;
    load.set(best, load.get(best)! + 1);
    if (best === me) mine.add(userId);
  }
  return mine;
}

export async function runProjector(
  redis: Redis,
  name: string,
  { signal, leaseMs }: ProjectorOptions,
): Promise<void> {
  if (signal.aborted) return;
  const me = `${name}/${randomUUID()}`;
  const ttl = Math.ceil(leaseMs * 1.5);
  const beatMs = Math.max(10, Math.min(200, leaseMs / 5));
  const held = new Set<string>();
  let mine = new Set<string>();
  let view = '';
  let scannedAt = -Infinity;
  let users: string[] = [];
  let beatAt = -Infinity;

  async function beat(): Promise<void> {
    beatAt = performance.now();
    const living = ((await redis.eval(ALIVE, 1, LIVING, me, ttl)) as string[]).sort();
    if (held.size > 0) {
      const list = [...held];
      const flags = (await redis.eval(
        RENEW,
        list.length,
        ...list.map(leaseKey),
        me,
        ttl,
      )) as number[];
      list.forEach((userId, i) => {
        if (flags[i] !== 1) held.delete(userId);
      });
    }
    if (performance.now() - scannedAt > 250) {
      users = await findUsers(redis);
      scannedAt = performance.now();
    }
    const now = JSON.stringify([living, users]);
    if (now === view) return;
    view = now;
    mine = usersOf(me, living, users);
    const surplus = [...held].filter((userId) => !mine.has(userId));
    for (const userId of surplus) held.delete(userId);
    if (surplus.length > 0) await redis.eval(RELEASE, surplus.length, ...surplus.map(leaseKey), me);
  }

  async function work(userId: string): Promise<boolean> {
    const keys = [leaseKey(userId), eventsKey(userId), cartKey(userId), lastKey(userId), DEAD];
    const done = Number(
      await redis.eval(WORK, 5, ...keys, me, ttl, GROUP, name, Math.ceil(leaseMs), 40, userId),
    );
    if (done < 0) held.delete(userId);
    else held.add(userId);
    return done > 0;
  }

  try {
    while (!signal.aborted) {
      let busy = false;
      try {
        if (performance.now() - beatAt > beatMs) await beat();
        for (const userId of [...mine]) {
          if (signal.aborted) break;
          if (performance.now() - beatAt > beatMs) await beat();
          if (mine.has(userId) && (await work(userId).catch(() => false))) busy = true;
        }
      } catch {
        // We come again.
      }
      if (!busy) await pause(Math.min(50, beatMs), signal);
    }
  } finally {
    const list = [...held];
    if (list.length > 0) {
      await redis.eval(RELEASE, list.length, ...list.map(leaseKey), me).catch(() => undefined);
    }
    await redis.zrem(LIVING, me).catch(() => undefined);
  }
}
