// A list of the living and a table of who has whom, kept balanced by one script; applies straight from the stream
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

/**
 * KEYS list of the living, table of owners; ARGV me, ttl, prefix of the streams, users. I am alive; users of the dead go
 * to those who have least; and whoever has too many hands some over. Returns my users.
 */
const TURN = `
local me, ttl, prefix = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ttl, me)
local living = redis.call('ZRANGE', KEYS[1], 0, -1)
table.sort(living)
local has = {}
for _, one in ipairs(living) do has[one] = {} end
local owner = {}
local owners = redis.call('HGETALL', KEYS[2])
for i = 1, #owners, 2 do
  local user, one = owners[i], owners[i + 1]
  if has[one] and redis.call('EXISTS', prefix .. user) == 1 then
    owner[user] = one
    table.insert(has[one], user)
  else
    redis.call('HDEL', KEYS[2], user)
  end
end
local function extreme(better)
  local found = living[1]
  for _, one in ipairs(living) do if better(#has[one], #has[found]) then found = one end end
  return found
end
local function least() return extreme(function(a, b) return a < b end) end
local function most() return extreme(function(a, b) return a > b end) end
local function give(user, one)
  redis.call('HSET', KEYS[2], user, one)
  table.insert(has[one], user)
end
for i = 4, #ARGV do
  if not owner[ARGV[i]] then give(ARGV[i], least()) end
end
while #has[most()] - #has[least()] > 1 do
  give(table.remove(has[most()]), least())
end
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, ttl) end
end
return has[me]
`;

/** KEYS stream, cart, last; ARGV id. Brings the cart up to this id, straight from the stream: in order, whoever asks. */
const CATCH_UP = `${LUA_IDS}${LUA_EVENTS}
local upto = ARGV[1]
local last = redis.call('GET', KEYS[3]) or ''
while last == '' or newer(upto, last) do
  local page = redis.call('XRANGE', KEYS[1], last == '' and '-' or '(' .. last, upto, 'COUNT', 500)
  for _, entry in ipairs(page) do
    local event = understand(entry[2])
    if event then change(KEYS[2], event) end
    last = entry[1]
  end
  if #page < 500 then break end
end
if last ~= '' then redis.call('SET', KEYS[3], last) end
return last
`;

/** KEYS stream, dead; ARGV group, user, id, fields */
const BURY = `${LUA_IDS}${LUA_EVENTS}
local fields = {}
for i = 4, #ARGV do fields[#fields + 1] = ARGV[i] end
local _, reason = understand(fields)
bury(KEYS[2], KEYS[1], ARGV[1], ARGV[2], ARGV[3], fields, reason or 'no event')
return 0
`;

const LIVING = 'cart:projectors';
const OWNERS = 'cart:owners';

export async function runProjector(
  redis: Redis,
  name: string,
  { signal, leaseMs }: ProjectorOptions,
): Promise<void> {
  if (signal.aborted) return;
  const me = `${name}/${randomUUID()}`;
  const ttl = Math.ceil(leaseMs * 1.5);
  const beatMs = Math.max(10, Math.min(200, leaseMs / 5));
  let users: string[] = [];
  let mine: string[] = [];
  let scannedAt = -Infinity;
  let beatAt = -Infinity;
  let claimAt = -Infinity;

  async function beat(): Promise<void> {
    beatAt = performance.now();
    if (beatAt - scannedAt > 250) {
      users = await findUsers(redis);
      scannedAt = performance.now();
    }
    mine = (await redis.eval(TURN, 2, LIVING, OWNERS, me, ttl, EVENTS, ...users)) as string[];
  }

  async function project(userId: string, entries: Entry[]): Promise<void> {
    const stream = eventsKey(userId);
    const newest = entries.at(-1);
    if (!newest || signal.aborted) return;
    await redis.eval(CATCH_UP, 3, stream, cartKey(userId), lastKey(userId), newest[0]);
    for (const [id, fields] of entries) {
      if (!understand(fields))
        await redis.eval(BURY, 2, stream, DEAD, GROUP, userId, id, ...fields);
    }
    await redis.xack(stream, GROUP, ...entries.map(([id]) => id));
  }

  async function readNew(userId: string): Promise<boolean> {
    const answer = (await redis.xreadgroup(
      'GROUP',
      GROUP,
      name,
      'COUNT',
      50,
      'STREAMS',
      eventsKey(userId),
      '>',
    )) as [string, Entry[]][] | null;
    const entries = answer?.[0]?.[1] ?? [];
    await project(userId, entries);
    return entries.length > 0;
  }

  /** What nobody has finished for leaseMs, be it another's or our own. */
  async function takeOver(userId: string): Promise<void> {
    let cursor = '0-0';
    do {
      const answer = (await redis.xautoclaim(
        eventsKey(userId),
        GROUP,
        name,
        Math.ceil(leaseMs),
        cursor,
        'COUNT',
        100,
      )) as [string, (Entry | null)[]];
      cursor = answer[0];
      // What was trimmed away has been taken off the pending list by XAUTOCLAIM.
      await project(
        userId,
        answer[1].filter((entry): entry is Entry => entry !== null && entry[1] !== null),
      );
    } while (cursor !== '0-0' && !signal.aborted);
  }

  async function work(userId: string, claim: boolean): Promise<boolean> {
    try {
      if (claim) await takeOver(userId);
      if (signal.aborted) return false;
      return await readNew(userId);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('NOGROUP')) return false;
      // No group, and perhaps no stream. Without MKSTREAM: a stream that is gone stays gone.
      await redis.xgroup('CREATE', eventsKey(userId), GROUP, '0').catch(() => undefined);
      return false;
    }
  }

  try {
    while (!signal.aborted) {
      let busy = false;
      try {
        if (performance.now() - beatAt > beatMs) await beat();
        const claim = performance.now() - claimAt > leaseMs / 4;
        if (claim) claimAt = performance.now();
        for (const userId of [...mine]) {
          if (signal.aborted) break;
          if (performance.now() - beatAt > beatMs) await beat();
          if (await work(userId, claim)) busy = true;
        }
      } catch {
        // We come again.
      }
      if (!busy) await pause(Math.min(40, beatMs), signal);
    }
  } finally {
    await redis.zrem(LIVING, me).catch(() => undefined);
  }
}
