// Style: one blocking XREADGROUP over all streams, which is no more than an alarm: whoever wakes up catches up with the
// stream by a Lua script. What to acknowledge is asked of XPENDING, so that it does not matter who had read it.
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

const EVENTS = 'cart:events:';
const GROUP = 'cart_projectors';

/**
 * KEYS: stream, cart, last id, snapshot. ARGV: what to do, and for 'apply' the id and the fields.
 * The cart is a table while the script runs, read at its beginning and written at its end.
 */
const SCRIPT = `
local STREAM, CART, LAST, SNAPSHOT = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local task = table.remove(ARGV, 1)

local function after(a, b)
  local x, y = { a:match('(%d+)%-(%d+)') }, { b:match('(%d+)%-(%d+)') }
  for i = 1, 2 do
    if #x[i] ~= #y[i] then return #x[i] > #y[i] end
    if x[i] ~= y[i] then return x[i] > y[i] end
  end
  return false
end

local function pairsOf(flat)
  local object = {}
  for i = 1, #flat, 2 do object[flat[i]] = flat[i + 1] end
  return object
end

local state = { id = redis.call('GET', LAST) or '0-0', cart = pairsOf(redis.call('HGETALL', CART)) }
local before = state.id

local SIGN = { ['item:add'] = 1, ['item:remove'] = -1 }

local function faultOf(event)
  if event.eventType == 'cart:checkout' then return nil end
  if not SIGN[event.eventType or ''] then return 'eventType' end
  if not event.itemId then return 'itemId' end
  return not (event.quantity or ''):match('^[1-9]%d*$') and 'quantity' or nil
end

local function apply(id, fields)
  local event = pairsOf(fields)
  state.id = id
  if faultOf(event) then return end
  local sign = SIGN[event.eventType]
  if not sign then
    state.cart = {}
    return
  end
  local quantity = (state.cart[event.itemId] or 0) + sign * event.quantity
  state.cart[event.itemId] = quantity > 0 and quantity or nil
end

if task == 'apply' then
  local id = table.remove(ARGV, 1)
  if after(id, before) then apply(id, ARGV) end
else
  local kept = cjson.decode(redis.call('GET', SNAPSHOT) or '{"id":"0-0","cart":{}}')
  if task ~= 'catch up' or after(kept.id, before) then
    state, before = kept, nil
  end
  repeat
    local page = redis.call('XRANGE', STREAM, '(' .. state.id, '+', 'COUNT', 1000)
    for _, entry in ipairs(page) do apply(entry[1], entry[2]) end
  until #page == 0
end

if task == 'catch up' then
  local group, user = table.remove(ARGV, 1), table.remove(ARGV, 1)
  for _, id in ipairs(ARGV) do
    local entry = redis.call('XRANGE', STREAM, id, id)[1]
    local fault = entry and faultOf(pairsOf(entry[2]))
    local isOurs = fault and #redis.call('XPENDING', STREAM, group, id, id, 1) == 1
    if isOurs then
      redis.call('XADD', 'cart:dead', '*', 'userId', user, 'originalId', id, 'reason', fault, unpack(entry[2]))
    end
    redis.call('XACK', STREAM, group, id)
  end
end
if task == 'snapshot' then redis.call('SET', SNAPSHOT, cjson.encode(state)) end
if state.id == before then return end
redis.call('SET', LAST, state.id)
redis.call('DEL', CART)
for item, quantity in pairs(state.cart) do redis.call('HSET', CART, item, quantity) end
`;

type Task = 'apply' | 'catch up' | 'rebuild' | 'snapshot';

async function perform(redis: Redis, task: Task, userId: string, ...args: (string | number)[]) {
  const keys = [EVENTS, 'cart:current:', 'cart:last:', 'cart:snapshot:'].map((key) => key + userId);
  await redis.eval(SCRIPT, 4, ...keys, task, ...args);
}

async function findStreams(redis: Redis): Promise<string[]> {
  const streams = new Set<string>();
  for await (const keys of redis.scanStream({ match: `${EVENTS}*`, type: 'stream', count: 1000 })) {
    for (const key of keys as string[]) streams.add(key);
  }
  return [...streams];
}

async function performForAll(redis: Redis, task: Task): Promise<number> {
  const streams = await findStreams(redis);
  for (const stream of streams) await perform(redis, task, stream.slice(EVENTS.length));
  return streams.length;
}

export async function recordEvent(redis: Redis, userId: string, event: CartEvent): Promise<string> {
  const args = [`${EVENTS}${userId}`, '*', ...Object.entries(event).flat().map(String)] as const;
  return String(await redis.xadd(...args));
}

export async function applyEvent(
  redis: Redis,
  userId: string,
  id: string,
  event: CartEvent,
): Promise<void> {
  await perform(redis, 'apply', userId, id, ...Object.entries(event).flat());
}

export async function readCart(redis: Redis, userId: string): Promise<Record<string, number>> {
  const lines = await redis.hgetall(`cart:current:${userId}`);
  return Object.fromEntries(Object.keys(lines).map((itemId) => [itemId, Number(lines[itemId])]));
}

export async function rebuildCarts(redis: Redis): Promise<number> {
  return performForAll(redis, 'rebuild');
}

export async function snapshotCarts(redis: Redis): Promise<number> {
  return performForAll(redis, 'snapshot');
}

/** Brings the cart to the end of the stream, and acknowledges all that was pending before. */
async function settle(redis: Redis, stream: string): Promise<void> {
  for (;;) {
    const pending = (await redis.xpending(stream, GROUP, '-', '+', 1000)) as [string][];
    if (pending.length === 0) return;
    const user = stream.slice(EVENTS.length);
    await perform(redis, 'catch up', user, GROUP, user, ...pending.map(([id]) => id));
  }
}

export async function runProjector(
  redis: Redis,
  name: string,
  { signal, leaseMs }: { signal: AbortSignal; leaseMs: number },
): Promise<void> {
  const alarm = redis.duplicate();
  const streams = new Set<string>();
  const listEvery = 150;
  const sweepEvery = leaseMs / 2;
  let listed = Number.NEGATIVE_INFINITY;
  let swept = Number.NEGATIVE_INFINITY;

  async function list(): Promise<void> {
    for (const stream of await findStreams(redis)) {
      if (streams.has(stream)) continue;
      await redis.xgroup('CREATE', stream, GROUP, '0').catch(ignoreIfThere);
      streams.add(stream);
    }
  }

  /** A stream, or a group, is gone: all of them are looked for again. */
  function lookAgain(error: Error): void {
    if (!/^(NOGROUP|UNBLOCKED)/.test(error.message)) throw error;
    streams.clear();
    listed = Number.NEGATIVE_INFINITY;
  }

  try {
    while (!signal.aborted) {
      const now = performance.now();
      if (now - listed > listEvery) {
        await list();
        listed = now;
      }
      if (now - swept > sweepEvery) {
        // For what was read by somebody who died before he had caught up.
        for (const stream of streams) await settle(redis, stream).catch(lookAgain);
        swept = now;
      }
      for (const stream of (await waitForSome().catch(lookAgain)) ?? []) {
        await settle(redis, stream).catch(lookAgain);
      }
    }
  } finally {
    alarm.disconnect();
  }

  async function waitForSome(): Promise<string[]> {
    if (streams.size === 0) {
      await sleep(listEvery);
      return [];
    }
    const from = ['STREAMS', ...streams, ...Array(streams.size).fill('>')] as const;
    const limits = ['COUNT', 100, 'BLOCK', listEvery] as const;
    const reply = await alarm.xreadgroup('GROUP', GROUP, name, ...limits, ...from);
    return (reply ?? []).map(([stream]) => stream);
  }
}

function ignoreIfThere(error: Error): void {
  if (!/BUSYGROUP|requires the key to exist/.test(error.message)) throw error;
}
