// A lease per user (token of its own), every read and every change fenced by it; steps in TypeScript
import { randomUUID } from 'node:crypto';
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

type Entry = [id: string, fields: string[]];

function understand(fields: string[]): { sign: number; item: string; n: number } | undefined {
  const entry = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) entry.set(fields[i]!, fields[i + 1]!);
  const kind = entry.get('eventType');
  if (kind === 'cart:checkout') return { sign: 0, item: '', n: 0 };
  if (kind !== 'item:add' && kind !== 'item:remove') return undefined;
  const item = entry.get('itemId');
  const quantity = entry.get('quantity') ?? '';
  if (!item || !/^[1-9]\d*$/.test(quantity) || !Number.isSafeInteger(Number(quantity)))
    return undefined;
  return { sign: kind === 'item:add' ? 1 : -1, item, n: Number(quantity) };
}

function fold(cart: Map<string, number>, fields: string[]): void {
  const event = understand(fields);
  if (!event) return;
  if (event.sign === 0) return cart.clear();
  const n = (cart.get(event.item) ?? 0) + event.sign * event.n;
  if (n > 0) cart.set(event.item, n);
  else cart.delete(event.item);
}

const PAGE = 500;
const MAX_ID = '18446744073709551615-18446744073709551615';

/**
 * KEYS stream, cart, last, snapshot; ARGV id of the snapshot that was begun with, id folded so far, '1' to keep a
 * snapshot, items and quantities. What has come in since is folded in here, where nothing can come between.
 */
const FINISH = `${LUA_IDS}${LUA_EVENTS}
if redis.call('EXISTS', KEYS[1]) == 0 then return 'gone' end
if (redis.call('HGET', KEYS[4], '@') or '') ~= ARGV[1] then return 'again' end
local id = ARGV[2]
redis.call('DEL', KEYS[2])
for i = 4, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
while id ~= MAX do
  local page = redis.call('XRANGE', KEYS[1], id == '' and '-' or '(' .. id, '+', 'COUNT', 500)
  if #page == 0 then break end
  for _, entry in ipairs(page) do
    local event = understand(entry[2])
    if event then change(KEYS[2], event) end
    id = entry[1]
  end
end
if id == '' then return 'done' end
redis.call('SET', KEYS[3], id)
if ARGV[3] == '1' then
  redis.call('DEL', KEYS[4])
  redis.call('HSET', KEYS[4], '@', id)
  local cart = redis.call('HGETALL', KEYS[2])
  for i = 1, #cart, 2 do redis.call('HSET', KEYS[4], '=' .. cart[i], cart[i + 1]) end
end
return 'done'
`;

async function rebuildCart(redis: Redis, userId: string, keep: boolean): Promise<boolean> {
  for (;;) {
    const cart = new Map<string, number>();
    const snapshot = await redis.hgetall(snapshotKey(userId));
    const base = snapshot['@'] ?? '';
    for (const [field, value] of Object.entries(snapshot)) {
      if (field.startsWith('=')) cart.set(field.slice(1), Number(value));
    }
    let id = base;
    while (id !== MAX_ID) {
      const page: Entry[] = await redis.xrange(
        eventsKey(userId),
        id === '' ? '-' : `(${id}`,
        '+',
        'COUNT',
        PAGE,
      );
      for (const [entryId, fields] of page) {
        fold(cart, fields);
        id = entryId;
      }
      if (page.length < PAGE) break;
    }
    const lines = [...cart].flatMap(([item, n]) => [item, String(n)]);
    const answer = await redis.eval(
      FINISH,
      4,
      eventsKey(userId),
      cartKey(userId),
      lastKey(userId),
      snapshotKey(userId),
      base,
      id,
      keep ? '1' : '0',
      ...lines,
    );
    if (answer === 'gone') return false;
    if (answer === 'done') return true;
  }
}

export async function rebuildCarts(redis: Redis): Promise<number> {
  let count = 0;
  for (const userId of await findUsers(redis))
    if (await rebuildCart(redis, userId, false)) count += 1;
  return count;
}

export async function snapshotCarts(redis: Redis): Promise<number> {
  let count = 0;
  for (const userId of await findUsers(redis))
    if (await rebuildCart(redis, userId, true)) count += 1;
  return count;
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

/** KEYS leases; ARGV me, ttl, how many. Takes so many free ones, and tells which. */
const ACQUIRE = `
local taken = {}
for i, key in ipairs(KEYS) do
  if #taken >= tonumber(ARGV[3]) then break end
  if redis.call('SET', key, ARGV[1], 'NX', 'PX', ARGV[2]) then taken[#taken + 1] = i end
end
return taken
`;

/**
 * KEYS lease, stream; ARGV me, group, consumer, idle, count. The next entries to apply, in order: what is pending comes
 * first, whoever has left it, and only when nothing is, new ones.
 */
const TAKE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return { 'lost' } end
if redis.call('EXISTS', KEYS[2]) == 0 then return { 'gone' } end
local pending = redis.pcall('XPENDING', KEYS[2], ARGV[2], '-', '+', ARGV[5])
if pending.err then
  if not string.find(pending.err, 'NOGROUP', 1, true) then return pending end
  redis.call('XGROUP', 'CREATE', KEYS[2], ARGV[2], '0')
  pending = {}
end
if #pending == 0 then
  local answer = redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', ARGV[5], 'STREAMS', KEYS[2], '>')
  return { 'ok', answer and answer[1][2] or {} }
end
local entries = {}
for _, one in ipairs(pending) do
  if one[2] ~= ARGV[3] and one[3] < tonumber(ARGV[4]) then break end
  local found = redis.call('XRANGE', KEYS[2], one[1], one[1])
  if found[1] then
    redis.call('XCLAIM', KEYS[2], ARGV[2], ARGV[3], 0, one[1], 'JUSTID')
    entries[#entries + 1] = found[1]
  else
    redis.call('XACK', KEYS[2], ARGV[2], one[1])
  end
end
return { 'ok', entries }
`;

/** KEYS lease, cart, last, stream, dead; ARGV me, ttl, id, user, group, fields */
const FENCED_APPLY = `${LUA_IDS}${LUA_EVENTS}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local id = ARGV[3]
local fields = {}
for i = 6, #ARGV do fields[#fields + 1] = ARGV[i] end
local event, reason = understand(fields)
local last = redis.call('GET', KEYS[3])
if not last or newer(id, last) then
  if event then change(KEYS[2], event) end
  redis.call('SET', KEYS[3], id)
end
if event then return 'applied' end
bury(KEYS[5], KEYS[4], ARGV[5], ARGV[4], id, fields, reason)
return 'buried'
`;

const leaseKey = (userId: string): string => `cart:lease:${userId}`;
const LIVING = 'cart:projectors';

export async function runProjector(
  redis: Redis,
  name: string,
  { signal, leaseMs }: ProjectorOptions,
): Promise<void> {
  if (signal.aborted) return;
  const me = `${name}/${randomUUID()}`;
  // Renewed five times in a leaseMs, and half of one longer: who is silent for less than leaseMs has it still.
  const ttl = Math.ceil(leaseMs * 1.5);
  const beatMs = Math.max(10, Math.min(200, leaseMs / 5));
  const mine = new Set<string>();
  let users: string[] = [];
  let scannedAt = -Infinity;
  let beatAt = -Infinity;

  async function release(userIds: string[]): Promise<void> {
    if (userIds.length === 0) return;
    for (const userId of userIds) mine.delete(userId);
    await redis.eval(RELEASE, userIds.length, ...userIds.map(leaseKey), me);
  }

  async function beat(): Promise<void> {
    beatAt = performance.now();
    const living = ((await redis.eval(ALIVE, 1, LIVING, me, ttl)) as string[]).sort();
    const held = [...mine];
    if (held.length > 0) {
      const flags = (await redis.eval(
        RENEW,
        held.length,
        ...held.map(leaseKey),
        me,
        ttl,
      )) as number[];
      held.forEach((userId, i) => {
        if (flags[i] !== 1) mine.delete(userId);
      });
    }
    if (performance.now() - scannedAt > 250) {
      users = await findUsers(redis);
      scannedAt = performance.now();
    }
    const rank = living.indexOf(me);
    const share =
      Math.floor(users.length / living.length) + (rank < users.length % living.length ? 1 : 0);
    const existing = new Set(users);
    await release([...mine].filter((userId) => !existing.has(userId)));
    await release([...mine].slice(share));
    const wanted = users.filter((userId) => !mine.has(userId));
    if (mine.size < share && wanted.length > 0 && !signal.aborted) {
      const taken = (await redis.eval(
        ACQUIRE,
        wanted.length,
        ...wanted.map(leaseKey),
        me,
        ttl,
        share - mine.size,
      )) as number[];
      for (const i of taken) mine.add(wanted[i - 1]!);
    }
  }

  /** One helping of a user's events. Tells whether there were any. */
  async function work(userId: string): Promise<boolean> {
    const stream = eventsKey(userId);
    const [state, entries = []] = (await redis.eval(
      TAKE,
      2,
      leaseKey(userId),
      stream,
      me,
      GROUP,
      name,
      Math.ceil(leaseMs),
      50,
    )) as [string, Entry[]?];
    if (state === 'lost') mine.delete(userId);
    for (const [id, fields] of entries) {
      if (signal.aborted) return true;
      const done = await redis.eval(
        FENCED_APPLY,
        5,
        leaseKey(userId),
        cartKey(userId),
        lastKey(userId),
        stream,
        DEAD,
        me,
        ttl,
        id,
        userId,
        GROUP,
        ...fields,
      );
      if (done === 'lost') {
        mine.delete(userId);
        return true;
      }
      if (done === 'applied') await redis.xack(stream, GROUP, id);
      if (performance.now() - beatAt > beatMs) await beat();
    }
    return entries.length > 0;
  }

  try {
    while (!signal.aborted) {
      let busy = false;
      try {
        if (performance.now() - beatAt > beatMs) await beat();
        for (const userId of [...mine]) {
          if (signal.aborted) break;
          if (performance.now() - beatAt > beatMs) await beat();
          if (!mine.has(userId)) continue;
          if (await work(userId).catch(() => false)) busy = true;
        }
      } catch {
        // Redis was cross with us; we come again.
      }
      if (!busy) await pause(Math.min(50, beatMs), signal);
    }
  } finally {
    await release([...mine]).catch(() => undefined);
    await redis.zrem(LIVING, me).catch(() => undefined);
  }
}
