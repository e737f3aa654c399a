// Style: an async generator of deliveries, a blocking connection, XREADGROUP from 0 for one's own, XAUTOCLAIM for
// others', XADD + XACK in MULTI for the dead. The rebuild grows a shadow of the cart, step by step, and swaps it in.
import { randomUUID } from 'node:crypto';
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
type Delivery = { user: string; entries: Entry[] };

const GROUP = 'cart_projectors';
const EVENTS = 'cart:events:';
const DEAD = 'cart:dead';
const SHADOW_MS = 8000;

const events = (user: string) => EVENTS + user;
const current = (user: string) => `cart:current:${user}`;
const position = (user: string) => `cart:last:${user}`;
const snapshot = (user: string) => `cart:snapshot:${user}`;

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

// KEYS: cart, position. ARGV: id, then the fields of the event.
const APPLY = `${LIB}
local last = redis.call('GET', KEYS[2]) or '0-0'
if not newer(ARGV[1], last) then return 0 end
local fields = {}
for i = 2, #ARGV do fields[#fields + 1] = ARGV[i] end
local kind, item, quantity = parse(fields)
if kind then
  local cart = open(KEYS[1])
  change(cart, kind, item, quantity)
  close(cart)
end
redis.call('SET', KEYS[2], ARGV[1])
return 1
`;

// KEYS: stream, cart, position. ARGV: how many. Returns how many there were.
const ADVANCE = `${LIB}
local _, n = advance(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
return n
`;

// KEYS: snapshot, shadow cart, shadow position. ARGV: ttl. Returns the id of the snapshot.
const BEGIN = `
redis.call('DEL', KEYS[2], KEYS[3])
local id = '0-0'
local lines = redis.call('HGETALL', KEYS[1])
for i = 1, #lines, 2 do
  local name = lines[i]
  if name == 'id' then id = lines[i + 1]
  else redis.call('HSET', KEYS[2], string.sub(name, 3), lines[i + 1]) end
end
redis.call('PEXPIRE', KEYS[2], ARGV[1])
redis.call('SET', KEYS[3], id, 'PX', ARGV[1] - 1000)
return id
`;

// KEYS: stream, shadow cart, shadow position. ARGV: how many, ttl. -1: the shadow has expired.
const GROW = `${LIB}
if redis.call('EXISTS', KEYS[3]) == 0 then return -1 end
local last, n = advance(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[2] - 1000)
return n
`;

// KEYS: stream, shadow cart, shadow position, cart, position, snapshot. ARGV: id of the snapshot it began with, '1' to
// keep a snapshot. 0: no stream. -1: begin again.
const SWAP = `${LIB}
if redis.call('EXISTS', KEYS[3]) == 0 then return -1 end
if (redis.call('HGET', KEYS[6], 'id') or '0-0') ~= ARGV[1] then return -1 end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('DEL', KEYS[2], KEYS[3])
  return 0
end
local last, n
repeat
  last, n = advance(KEYS[1], KEYS[2], KEYS[3], 500)
until n == 0
redis.call('DEL', KEYS[4], KEYS[5])
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('RENAME', KEYS[2], KEYS[4])
  redis.call('PERSIST', KEYS[4])
end
if last ~= '0-0' then redis.call('SET', KEYS[5], last) end
redis.call('DEL', KEYS[3])
if ARGV[2] == '1' and last ~= '0-0' then
  redis.call('DEL', KEYS[6])
  local lines = redis.call('HGETALL', KEYS[4])
  for i = 1, #lines, 2 do redis.call('HSET', KEYS[6], 'i:' .. lines[i], lines[i + 1]) end
  redis.call('HSET', KEYS[6], 'id', last)
end
return 1
`;

export async function recordEvent(redis: Redis, userId: string, event: CartEvent): Promise<string> {
  return (await redis.xadd(events(userId), '*', ...fieldsOf(event))) as string;
}

function fieldsOf(event: CartEvent): string[] {
  return Object.entries(event).flatMap(([name, value]) => [name, String(value)]);
}

export async function applyEvent(
  redis: Redis,
  userId: string,
  id: string,
  event: CartEvent,
): Promise<void> {
  await redis.eval(APPLY, 2, current(userId), position(userId), id, ...fieldsOf(event));
}

export async function readCart(redis: Redis, userId: string): Promise<Record<string, number>> {
  const entries = Object.entries(await redis.hgetall(current(userId)));
  return Object.fromEntries(entries.map(([item, quantity]) => [item, parseInt(quantity, 10)]));
}

async function usersWithEvents(redis: Redis): Promise<Set<string>> {
  const users = new Set<string>();
  let cursor = '0';
  for (;;) {
    const [next, page] = await redis.scan(
      cursor,
      'MATCH',
      `${EVENTS}*`,
      'COUNT',
      1000,
      'TYPE',
      'stream',
    );
    page.forEach((key) => users.add(key.slice(EVENTS.length)));
    if (next === '0') return users;
    cursor = next;
  }
}

async function rebuildOne(redis: Redis, user: string, keep: boolean): Promise<boolean> {
  const run = randomUUID();
  const shadow = `cart:shadow:${run}:${user}`;
  const shadowPosition = `cart:shadow-last:${run}:${user}`;
  for (;;) {
    const from = (await redis.eval(
      BEGIN,
      3,
      snapshot(user),
      shadow,
      shadowPosition,
      SHADOW_MS,
    )) as string;
    let n: number;
    do {
      n = (await redis.eval(
        GROW,
        3,
        events(user),
        shadow,
        shadowPosition,
        500,
        SHADOW_MS,
      )) as number;
    } while (n === 500);
    if (n === -1) continue;
    const done = await redis.eval(
      SWAP,
      6,
      events(user),
      shadow,
      shadowPosition,
      current(user),
      position(user),
      snapshot(user),
      from,
      keep ? '1' : '0',
    );
    if (done !== -1) return done === 1;
  }
}

export async function rebuildCarts(redis: Redis): Promise<number> {
  let carts = 0;
  for (const user of await usersWithEvents(redis))
    if (await rebuildOne(redis, user, false)) carts++;
  return carts;
}

export async function snapshotCarts(redis: Redis): Promise<number> {
  let carts = 0;
  for (const user of await usersWithEvents(redis)) if (await rebuildOne(redis, user, true)) carts++;
  return carts;
}

function whatIsWrong(fields: string[]): string | null {
  const value = (name: string): string | undefined => {
    let found: string | undefined;
    for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) found = fields[i + 1];
    return found;
  };
  switch (value('eventType')) {
    case 'cart:checkout':
      return null;
    case 'item:add':
    case 'item:remove':
      break;
    default:
      return 'unknown eventType';
  }
  if (!value('itemId')) return 'no itemId';
  const quantity = value('quantity') ?? '';
  if (!/^[1-9]\d*$/.test(quantity)) return 'quantity is no whole number from 1 on';
  return Number.isSafeInteger(Number(quantity)) ? null : 'quantity is too large';
}

async function settle(
  redis: Redis,
  { user, entries }: Delivery,
  signal: AbortSignal,
): Promise<void> {
  let n: number;
  do {
    if (signal.aborted) return;
    n = (await redis.eval(ADVANCE, 3, events(user), current(user), position(user), 200)) as number;
  } while (n > 0);
  for (const [id, fields] of entries) {
    const reason = fields && whatIsWrong(fields);
    if (!fields || !reason) {
      await redis.xack(events(user), GROUP, id);
      continue;
    }
    // Somebody else may have dealt with it, if we were asleep.
    if ((await redis.xpending(events(user), GROUP, id, id, 1)).length === 0) continue;
    const replies = await redis
      .multi()
      .xadd(DEAD, '*', ...fields, 'userId', user, 'originalId', id, 'reason', reason)
      .xack(events(user), GROUP, id)
      .exec();
    for (const [error] of replies ?? []) if (error) throw error;
  }
}

async function read(
  connection: Redis,
  name: string,
  users: string[],
  from: string,
  block?: number,
): Promise<Delivery[]> {
  const streams = users.map(events);
  const ids = users.map(() => from);
  const reply = (await (block === undefined
    ? connection.xreadgroup('GROUP', GROUP, name, 'COUNT', 10, 'STREAMS', ...streams, ...ids)
    : connection.xreadgroup(
        'GROUP',
        GROUP,
        name,
        'COUNT',
        10,
        'BLOCK',
        block,
        'STREAMS',
        ...streams,
        ...ids,
      ))) as [string, Entry[]][] | null;
  return (reply ?? []).map(([key, entries]) => ({ user: key.slice(EVENTS.length), entries }));
}

async function* leftovers(
  redis: Redis,
  name: string,
  user: string,
  mine: boolean,
  leaseMs: number,
): AsyncGenerator<Delivery> {
  if (mine) {
    for (let from = '0'; ; ) {
      const [own] = await read(redis, name, [user], from);
      if (!own || own.entries.length === 0) break;
      yield own;
      if (own.entries.length < 10) break;
      from = own.entries.at(-1)![0];
    }
  }
  let cursor = '0-0';
  do {
    const [next, entries] = (await redis.xautoclaim(
      events(user),
      GROUP,
      name,
      leaseMs,
      cursor,
    )) as [string, Entry[]];
    if (entries.length > 0) yield { user, entries };
    cursor = next;
  } while (cursor !== '0-0');
}

async function* deliveries(
  redis: Redis,
  connection: Redis,
  name: string,
  { signal, leaseMs }: ProjectorOptions,
): AsyncGenerator<Delivery> {
  const looked = new Set<string>();
  let users: string[] = [];
  let refreshAt = 0;
  while (!signal.aborted) {
    if (performance.now() >= refreshAt) {
      refreshAt = performance.now() + Math.max(20, Math.min(500, leaseMs / 2));
      const found: string[] = [];
      for (const user of await usersWithEvents(redis)) {
        if (signal.aborted) return;
        try {
          await redis.xgroup('CREATE', events(user), GROUP, '0').catch((error: Error) => {
            if (!error.message.includes('BUSYGROUP')) throw error;
          });
          yield { user, entries: [] };
          yield* leftovers(redis, name, user, !looked.has(user), leaseMs);
          looked.add(user);
          found.push(user);
        } catch {
          // Gone in the meantime. If it comes back, the next refresh sees it.
        }
      }
      users = found;
    }
    users.sort(() => Math.random() - 0.5);
    try {
      let any = false;
      for (let i = 0; i < users.length && !signal.aborted; i += 3) {
        for (const delivery of await read(redis, name, users.slice(i, i + 3), '>')) {
          any = true;
          yield delivery;
        }
      }
      if (any || signal.aborted) continue;
      if (users.length > 0) yield* await read(connection, name, users, '>', 200);
      else await delay(100, undefined, { signal }).catch(() => {});
    } catch {
      // NOGROUP, or a stream that was deleted while we waited in it.
      refreshAt = 0;
      await delay(50, undefined, { signal }).catch(() => {});
    }
  }
}

export async function runProjector(
  redis: Redis,
  name: string,
  options: ProjectorOptions,
): Promise<void> {
  const { signal } = options;
  if (signal.aborted) return;
  const connection = redis.duplicate({ lazyConnect: false, enableOfflineQueue: true });
  connection.on('error', () => {});
  const hangUp = () => connection.disconnect();
  signal.addEventListener('abort', hangUp, { once: true });
  try {
    while (!signal.aborted) {
      try {
        for await (const delivery of deliveries(redis, connection, name, options)) {
          if (signal.aborted) break;
          try {
            await settle(redis, delivery, signal);
          } catch {
            // It stays pending, and is claimed later.
          }
        }
      } catch {
        await delay(100, undefined, { signal }).catch(() => {});
      }
    }
  } finally {
    signal.removeEventListener('abort', hangUp);
    connection.disconnect();
  }
}
