// Style: everything in one script per user and tick: group, claim, read, apply, bury, acknowledge. Nothing is ever
// half done. Positions and snapshots are fields of one hash each.
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';

export type CartEvent =
  | {
      eventType: 'item:add' | 'item:remove';
      itemId: string;
      quantity: number;
      /** Milliseconds since 1970. For people to read: the order of events is the order of their ids. */
      timestamp: number;
    }
  | { eventType: 'cart:checkout'; timestamp: number };

export interface ProjectorOptions {
  /** The projector returns within a second of its abort. It may be aborted before the call. */
  signal: AbortSignal;
  /** When a projector has given no sign of life for so long, and not sooner, another takes over its users. */
  leaseMs: number;
}

const GROUP = 'cart_projectors';
const EVENTS = 'cart:events:';
const CURRENT = 'cart:current:';
const POSITIONS = 'cart:positions';
const SNAPSHOTS = 'cart:snapshots';
const DEAD = 'cart:dead';
const BATCH = 25;

const LIB = `
local MAX = '18446744073709551615-18446744073709551615'

local function newer(a, b)
  local am, as = string.match(a, '^0*(%d+)%-0*(%d+)$')
  local bm, bs = string.match(b, '^0*(%d+)%-0*(%d+)$')
  if #am ~= #bm then return #am > #bm end
  if am ~= bm then return am > bm end
  if #as ~= #bs then return #as > #bs end
  return as > bs
end

local function parse(fields)
  local f = {}
  for i = 1, #fields, 2 do f[fields[i]] = fields[i + 1] end
  local kind, item, quantity = f.eventType, f.itemId, f.quantity
  if kind == 'cart:checkout' then return kind end
  if kind ~= 'item:add' and kind ~= 'item:remove' then return nil, 'unknown eventType' end
  if not item or item == '' then return nil, 'no itemId' end
  if not quantity or not string.match(quantity, '^[1-9]%d*$') then return nil, 'quantity is no whole number from 1 on' end
  if #quantity > 16 or tonumber(quantity) > 9007199254740991 then return nil, 'quantity is too large' end
  return kind, item, tonumber(quantity)
end

local function open(key)
  return { key = key, lines = {}, cleared = false }
end

local function change(cart, kind, item, quantity)
  if kind == 'cart:checkout' then
    cart.lines = {}
    cart.cleared = true
    return
  end
  local now = cart.lines[item]
  if not now then
    now = 0
    if not cart.cleared then now = tonumber(redis.call('HGET', cart.key, item) or '0') or 0 end
  end
  if kind == 'item:add' then now = now + quantity else now = now - quantity end
  if now < 0 then now = 0 end
  cart.lines[item] = now
end

local function close(cart)
  if cart.cleared then redis.call('DEL', cart.key) end
  for item, quantity in pairs(cart.lines) do
    if quantity > 0 then
      redis.call('HSET', cart.key, item, string.format('%.0f', quantity))
    else
      redis.call('HDEL', cart.key, item)
    end
  end
end

local function advance(stream, cart_key, positions, user)
  local last = redis.call('HGET', positions, user) or '0-0'
  while last ~= MAX do
    local entries = redis.call('XRANGE', stream, '(' .. last, '+', 'COUNT', 500)
    if #entries == 0 then break end
    local cart = open(cart_key)
    for _, entry in ipairs(entries) do
      local kind, item, quantity = parse(entry[2])
      if kind then change(cart, kind, item, quantity) end
      last = entry[1]
    end
    close(cart)
    redis.call('HSET', positions, user, last)
  end
  return last
end
`;

// KEYS: cart, positions. ARGV: user, id, eventType, itemId, quantity.
const APPLY = `${LIB}
local last = redis.call('HGET', KEYS[2], ARGV[1])
if last and not newer(ARGV[2], last) then return 0 end
local kind, item, quantity = parse({ 'eventType', ARGV[3], 'itemId', ARGV[4], 'quantity', ARGV[5] })
if kind then
  local cart = open(KEYS[1])
  change(cart, kind, item, quantity)
  close(cart)
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1
`;

// KEYS: stream, cart, positions, dead. ARGV: user, group, consumer, leaseMs, '1' to claim, batch.
// Returns how many new entries it has read.
const TICK = `${LIB}
local stream, user, group = KEYS[1], ARGV[1], ARGV[2]
if redis.call('EXISTS', stream) == 0 then return 0 end

local function in_group(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err and string.find(reply.err, 'NOGROUP', 1, true) then
    redis.call('XGROUP', 'CREATE', stream, group, '0')
    reply = redis.pcall(...)
  end
  if type(reply) == 'table' and reply.err then error(reply.err) end
  return reply
end

local work = {}
if ARGV[5] == '1' then
  local cursor = '0-0'
  repeat
    local reply = in_group('XAUTOCLAIM', stream, group, ARGV[3], ARGV[4], cursor, 'COUNT', 100)
    for _, entry in ipairs(reply[2]) do work[#work + 1] = entry end
    cursor = reply[1]
  until cursor == '0-0'
end
local fresh = 0
local reply = in_group('XREADGROUP', 'GROUP', group, ARGV[3], 'COUNT', ARGV[6], 'STREAMS', stream, '>')
if reply then
  for _, entry in ipairs(reply[1][2]) do work[#work + 1] = entry end
  fresh = #reply[1][2]
end

advance(stream, KEYS[2], KEYS[3], user)

for _, entry in ipairs(work) do
  local id, fields = entry[1], entry[2]
  if fields then
    local kind, reason = parse(fields)
    if not kind then
      local letter = {}
      for _, v in ipairs(fields) do letter[#letter + 1] = v end
      for _, v in ipairs({ 'userId', user, 'originalId', id, 'reason', reason }) do letter[#letter + 1] = v end
      redis.call('XADD', KEYS[4], '*', unpack(letter))
    end
  end
  redis.call('XACK', stream, group, id)
end
return fresh
`;

// KEYS: stream, cart, positions, snapshots. ARGV: user, 'rebuild' or 'snapshot'.
const REBUILD = `${LIB}
local user = ARGV[1]
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('DEL', KEYS[2])
redis.call('HDEL', KEYS[3], user)
local kept = redis.call('HGET', KEYS[4], user)
if kept then
  local snapshot = cjson.decode(kept)
  for i = 1, #snapshot.lines, 2 do
    redis.call('HSET', KEYS[2], snapshot.lines[i], snapshot.lines[i + 1])
  end
  redis.call('HSET', KEYS[3], user, snapshot.id)
end
local last = advance(KEYS[1], KEYS[2], KEYS[3], user)
if ARGV[2] == 'snapshot' and last ~= '0-0' then
  local lines = redis.call('HGETALL', KEYS[2])
  redis.call('HSET', KEYS[4], user, cjson.encode({ id = last, lines = lines }))
end
return 1
`;

export const recordEvent = async (
  redis: Redis,
  userId: string,
  event: CartEvent,
): Promise<string> =>
  (await redis.xadd(EVENTS + userId, '*', ...Object.entries(event).flat())) as string;

export async function applyEvent(
  redis: Redis,
  userId: string,
  id: string,
  event: CartEvent,
): Promise<void> {
  const {
    eventType,
    itemId = '',
    quantity = '',
  } = event as Partial<Extract<CartEvent, { itemId: string }>>;
  await redis.eval(
    APPLY,
    2,
    CURRENT + userId,
    POSITIONS,
    userId,
    id,
    eventType ?? '',
    itemId,
    String(quantity),
  );
}

export const readCart = async (redis: Redis, userId: string): Promise<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(await redis.hgetall(CURRENT + userId)).map(([item, quantity]) => [
      item,
      +quantity,
    ]),
  );

async function allUsers(redis: Redis): Promise<string[]> {
  const users = new Set<string>();
  let cursor = '0';
  do {
    const [next, page] = await redis.scan(
      cursor,
      'MATCH',
      EVENTS + '*',
      'COUNT',
      1000,
      'TYPE',
      'stream',
    );
    for (const key of page) users.add(key.slice(EVENTS.length));
    cursor = next;
  } while (cursor !== '0');
  return [...users];
}

async function overAll(redis: Redis, what: 'rebuild' | 'snapshot'): Promise<number> {
  let count = 0;
  for (const user of await allUsers(redis)) {
    const done = await redis.eval(
      REBUILD,
      4,
      EVENTS + user,
      CURRENT + user,
      POSITIONS,
      SNAPSHOTS,
      user,
      what,
    );
    count += done as number;
  }
  return count;
}

export const rebuildCarts = (redis: Redis): Promise<number> => overAll(redis, 'rebuild');

export const snapshotCarts = (redis: Redis): Promise<number> => overAll(redis, 'snapshot');

export async function runProjector(
  redis: Redis,
  name: string,
  { signal, leaseMs }: ProjectorOptions,
): Promise<void> {
  const tick = async (user: string, claim: boolean): Promise<number> => {
    if (signal.aborted) return 0;
    try {
      const fresh = await redis.eval(
        TICK,
        4,
        EVENTS + user,
        CURRENT + user,
        POSITIONS,
        DEAD,
        user,
        GROUP,
        name,
        leaseMs,
        claim ? '1' : '0',
        BATCH,
      );
      return fresh as number;
    } catch {
      return 0; // What it has read stays pending; a later tick claims it.
    }
  };

  let users: string[] = [];
  let findAt = 0;
  let claimAt = 0;
  while (!signal.aborted) {
    const now = performance.now();
    if (now >= findAt) {
      findAt = now + 300;
      users = await allUsers(redis).catch(() => users);
    }
    const claim = now >= claimAt;
    if (claim) claimAt = now + Math.max(20, Math.min(500, leaseMs / 2));
    users.sort(() => Math.random() - 0.5);
    let full = false;
    for (let i = 0; i < users.length && !signal.aborted; i += 4) {
      const fresh = await Promise.all(users.slice(i, i + 4).map((user) => tick(user, claim)));
      if (fresh.some((n) => n === BATCH)) full = true;
    }
    if (!full) await delay(30 + Math.random() * 40, undefined, { signal }).catch(() => {});
  }
}
