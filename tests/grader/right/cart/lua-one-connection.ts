// Style: one connection, polling, functions. Lua does every step; nobody owns a user: each projector brings
// a cart forward straight from the stream, in one script, up to the end of the stream.
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

type Entry = [id: string, fields: string[] | null];

const GROUP = 'cart_projectors';
const EVENTS = 'cart:events:';
const DEAD = 'cart:dead';

const streamKey = (user: string) => EVENTS + user;
const cartKey = (user: string) => `cart:current:${user}`;
const lastKey = (user: string) => `cart:last:${user}`;
const snapKey = (user: string) => `cart:snapshot:${user}`;
const snapIdKey = (user: string) => `cart:snapshot-id:${user}`;

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

-- Applies what comes after the last applied event, straight from the stream, at most count entries.
local function advance(stream, cart_key, last_key, count)
  local last = redis.call('GET', last_key) or '0-0'
  if last == MAX then return last, 0 end
  local entries = redis.call('XRANGE', stream, '(' .. last, '+', 'COUNT', count)
  if #entries == 0 then return last, 0 end
  local cart = open(cart_key)
  for _, entry in ipairs(entries) do
    local kind, item, quantity = parse(entry[2])
    if kind then change(cart, kind, item, quantity) end
    last = entry[1]
  end
  close(cart)
  redis.call('SET', last_key, last)
  return last, #entries
end
`;

// KEYS: cart, last. ARGV: id, eventType, itemId, quantity.
const APPLY = `${LIB}
local last = redis.call('GET', KEYS[2])
if last and not newer(ARGV[1], last) then return 0 end
local kind, item, quantity = parse({ 'eventType', ARGV[2], 'itemId', ARGV[3], 'quantity', ARGV[4] })
if kind then
  local cart = open(KEYS[1])
  change(cart, kind, item, quantity)
  close(cart)
end
redis.call('SET', KEYS[2], ARGV[1])
return 1
`;

// KEYS: stream, cart, last, dead. ARGV: group, user, ids that were delivered.
const SETTLE = `${LIB}
local last, n
repeat
  last, n = advance(KEYS[1], KEYS[2], KEYS[3], 500)
until n == 0
for i = 3, #ARGV do
  local id = ARGV[i]
  local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
  if entry then
    local kind, reason = parse(entry[2])
    if not kind and #redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1) > 0 then
      local args = { 'XADD', KEYS[4], '*' }
      for _, v in ipairs(entry[2]) do args[#args + 1] = v end
      for _, v in ipairs({ 'userId', ARGV[2], 'originalId', id, 'reason', reason }) do args[#args + 1] = v end
      redis.call(unpack(args))
    end
  end
  redis.call('XACK', KEYS[1], ARGV[1], id)
end
return last
`;

// KEYS: stream, cart, last, snapshot, snapshot id. ARGV: '1' to keep a snapshot.
const REBUILD = `${LIB}
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('DEL', KEYS[2], KEYS[3])
local from = redis.call('GET', KEYS[5])
if from then
  redis.call('COPY', KEYS[4], KEYS[2])
  redis.call('SET', KEYS[3], from)
end
local last, n
repeat
  last, n = advance(KEYS[1], KEYS[2], KEYS[3], 1000)
until n == 0
if ARGV[1] == '1' and last ~= '0-0' then
  redis.call('DEL', KEYS[4])
  redis.call('COPY', KEYS[2], KEYS[4])
  redis.call('SET', KEYS[5], last)
end
return 1
`;

export async function recordEvent(redis: Redis, userId: string, event: CartEvent): Promise<string> {
  const fields = Object.entries(event).flatMap(([name, value]) => [name, String(value)]);
  const id = await redis.xadd(streamKey(userId), '*', ...fields);
  return id!;
}

export async function applyEvent(
  redis: Redis,
  userId: string,
  id: string,
  event: CartEvent,
): Promise<void> {
  const [item, quantity] =
    event.eventType === 'cart:checkout' ? ['', ''] : [event.itemId, String(event.quantity)];
  await redis.eval(APPLY, 2, cartKey(userId), lastKey(userId), id, event.eventType, item, quantity);
}

export async function readCart(redis: Redis, userId: string): Promise<Record<string, number>> {
  const lines = await redis.hgetall(cartKey(userId));
  return Object.fromEntries(
    Object.entries(lines).map(([item, quantity]) => [item, Number(quantity)]),
  );
}

async function findUsers(redis: Redis): Promise<string[]> {
  const users = new Set<string>();
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
    for (const key of keys) users.add(key.slice(EVENTS.length));
    cursor = next;
  } while (cursor !== '0');
  return [...users];
}

async function rebuildAll(redis: Redis, keep: boolean): Promise<number> {
  let carts = 0;
  for (const user of await findUsers(redis)) {
    carts += Number(
      await redis.eval(
        REBUILD,
        5,
        streamKey(user),
        cartKey(user),
        lastKey(user),
        snapKey(user),
        snapIdKey(user),
        keep ? '1' : '0',
      ),
    );
  }
  return carts;
}

export async function rebuildCarts(redis: Redis): Promise<number> {
  return rebuildAll(redis, false);
}

export async function snapshotCarts(redis: Redis): Promise<number> {
  return rebuildAll(redis, true);
}

async function settle(redis: Redis, user: string, ids: string[]): Promise<void> {
  await redis.eval(
    SETTLE,
    4,
    streamKey(user),
    cartKey(user),
    lastKey(user),
    DEAD,
    GROUP,
    user,
    ...ids,
  );
}

async function ensureGroup(redis: Redis, user: string): Promise<void> {
  try {
    await redis.xgroup('CREATE', streamKey(user), GROUP, '0');
  } catch (error) {
    if (!String(error).includes('BUSYGROUP')) throw error;
  }
}

function shuffle<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}

/** The group, what others left pending, and what somebody else took out of the group without applying it. */
async function sweep(
  redis: Redis,
  name: string,
  user: string,
  { signal, leaseMs }: ProjectorOptions,
): Promise<void> {
  await ensureGroup(redis, user);
  if (signal.aborted) return;
  await settle(redis, user, []);
  let cursor = '0-0';
  do {
    const [next, entries] = (await redis.xautoclaim(
      streamKey(user),
      GROUP,
      name,
      leaseMs,
      cursor,
      'COUNT',
      100,
    )) as [string, Entry[]];
    if (signal.aborted) return;
    if (entries.length > 0)
      await settle(
        redis,
        user,
        entries.map(([id]) => id),
      );
    cursor = next;
  } while (cursor !== '0-0' && !signal.aborted);
}

export async function runProjector(
  redis: Redis,
  name: string,
  options: ProjectorOptions,
): Promise<void> {
  const { signal, leaseMs } = options;
  const pause = (ms: number) => delay(ms, undefined, { signal }).catch(() => {});
  let users: string[] = [];
  let nextSweep = 0;

  while (!signal.aborted) {
    if (performance.now() >= nextSweep) {
      nextSweep = performance.now() + Math.max(20, Math.min(500, leaseMs / 2));
      try {
        users = shuffle(await findUsers(redis));
      } catch {
        // The next round tries again.
      }
      for (const user of users) {
        if (signal.aborted) return;
        try {
          await sweep(redis, name, user, options);
        } catch {
          // The stream is gone, or the group: the next sweep sees to it.
        }
      }
    }

    let busy = false;
    shuffle(users);
    for (let i = 0; i < users.length && !signal.aborted; i += 4) {
      const keys = users.slice(i, i + 4).map(streamKey);
      try {
        const reply = (await redis.xreadgroup(
          'GROUP',
          GROUP,
          name,
          'COUNT',
          20,
          'STREAMS',
          ...keys,
          ...keys.map(() => '>'),
        )) as [string, Entry[]][] | null;
        for (const [key, entries] of reply ?? []) {
          if (signal.aborted) return;
          busy = true;
          await settle(
            redis,
            key.slice(EVENTS.length),
            entries.map(([id]) => id),
          );
        }
      } catch {
        nextSweep = Math.min(nextSweep, performance.now() + 50);
      }
    }
    await pause(busy ? 1 : 30 + Math.random() * 40);
  }
}
