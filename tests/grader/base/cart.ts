// A correct submission. Frozen: wrong submissions are changes to it, whatever becomes of the solution.
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

export type CartEvent =
  | {
      eventType: 'item:add' | 'item:remove';
      itemId: string;
      quantity: number;
      timestamp: number;
    }
  | { eventType: 'cart:checkout'; timestamp: number };

export interface ProjectorOptions {
  signal: AbortSignal;
  leaseMs: number;
}

const GROUP = 'cart_projectors';
const EVENTS = 'cart:events:';
const PROJECTORS = 'cart:projectors';
const DEAD = 'cart:dead';
const LONGEST_BLOCK_MS = 100;

const eventsOf = (userId: string) => `${EVENTS}${userId}`;
/** The keys that a projection of one user's cart touches, in the order in which the scripts take them. */
const keysOf = (userId: string) =>
  [
    `cart:current:${userId}`,
    `cart:last:${userId}`,
    eventsOf(userId),
    `cart:snapshot:${userId}`,
  ] as const;

const APPLY = `
  local cart, lastKey = KEYS[1], KEYS[2]

  -- As text, 9 comes after 10: the shorter number is the smaller one.
  local function less(a, b) return #a < #b or (#a == #b and a < b) end
  local function isNewer(id, than)
    local ms, seq = string.match(id, '(%d+)-(%d+)')
    local lastMs, lastSeq = string.match(than, '(%d+)-(%d+)')
    return less(lastMs, ms) or (lastMs == ms and less(lastSeq, seq))
  end

  local function whatIsWrong(eventType, itemId, quantity)
    if eventType == 'cart:checkout' then return nil end
    if eventType ~= 'item:add' and eventType ~= 'item:remove' then return 'unknown eventType' end
    if not itemId then return 'no itemId' end
    if not string.match(quantity or '', '^[1-9]%d*$') then return 'quantity is no whole number from 1 on' end
  end

  local function apply(id, eventType, itemId, quantity)
    if eventType == 'cart:checkout' then
      redis.call('DEL', cart)
    elseif not whatIsWrong(eventType, itemId, quantity) then
      local change = eventType == 'item:add' and quantity or -quantity
      if redis.call('HINCRBY', cart, itemId, change) <= 0 then redis.call('HDEL', cart, itemId) end
    end
    redis.call('SET', lastKey, id)
  end
`;

const APPLY_ONE = `${APPLY}
  local id, eventType, itemId, quantity = unpack(ARGV)
  local last = redis.call('GET', lastKey)
  if not last or isNewer(id, last) then apply(id, eventType, itemId, quantity) end
`;

/** Applies all events that the cart does not have yet. */
const CATCH_UP = `${APPLY}
  local events, snapshotKey = KEYS[3], KEYS[4]

  local function fieldsOf(entry)
    local event = {}
    for at = 1, #entry[2], 2 do event[entry[2][at]] = entry[2][at + 1] end
    return event.eventType, event.itemId, event.quantity
  end

  local function catchUp()
    local last = redis.call('GET', lastKey) or '0-0'
    for _, entry in ipairs(redis.call('XRANGE', events, '(' .. last, '+')) do
      apply(entry[1], fieldsOf(entry))
    end
    return redis.call('GET', lastKey)
  end
`;

/** ... and acknowledges what was pending of it. What is no event goes to the dead first. */
const PROJECT = `${CATCH_UP}
  local dead, group, userId = KEYS[5], ARGV[1], ARGV[2]
  catchUp()
  for _, pending in ipairs(redis.call('XPENDING', events, group, '-', '+', 10000)) do
    local id = pending[1]
    local entry = redis.call('XRANGE', events, id, id)[1]
    local reason = entry and whatIsWrong(fieldsOf(entry))
    if reason then
      redis.call('XADD', dead, '*', 'userId', userId, 'originalId', id, 'reason', reason, unpack(entry[2]))
    end
    redis.call('XACK', events, group, id)
  end
`;

/** Begins with the snapshot, or with nothing, and plays all events behind it. ARGV[1]: keep the result as a snapshot. */
const REBUILD = `${CATCH_UP}
  redis.call('DEL', cart, lastKey)
  local snapshot = redis.call('GET', snapshotKey)
  if snapshot then
    local kept = cjson.decode(snapshot)
    for item, quantity in pairs(kept.lines) do redis.call('HSET', cart, item, quantity) end
    redis.call('SET', lastKey, kept.last)
  end
  local last = catchUp()
  if ARGV[1] == 'snapshot' and last then
    local flat, lines = redis.call('HGETALL', cart), {}
    for at = 1, #flat, 2 do lines[flat[at]] = flat[at + 1] end
    redis.call('SET', snapshotKey, cjson.encode({ last = last, lines = lines }))
  end
`;

const REPORT_ALIVE = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
  return redis.call('ZRANGE', KEYS[1], 0, -1)
`;

export async function recordEvent(redis: Redis, userId: string, event: CartEvent): Promise<string> {
  const id = await redis.xadd(eventsOf(userId), '*', ...Object.entries(event).flat());
  if (id === null) throw new Error(`the stream of ${userId} took no event`);
  return id;
}

export async function applyEvent(
  redis: Redis,
  userId: string,
  id: string,
  event: CartEvent,
): Promise<void> {
  const line = event.eventType === 'cart:checkout' ? [] : [event.itemId, event.quantity];
  await runScript(redis, APPLY_ONE, keysOf(userId), id, event.eventType, ...line);
}

export async function readCart(redis: Redis, userId: string): Promise<Record<string, number>> {
  const lines = Object.entries(await redis.hgetall(`cart:current:${userId}`));
  return Object.fromEntries(lines.map(([itemId, quantity]) => [itemId, Number(quantity)]));
}

export async function rebuildCarts(redis: Redis): Promise<number> {
  return rebuildAll(redis, 'cart only');
}

export async function snapshotCarts(redis: Redis): Promise<number> {
  return rebuildAll(redis, 'snapshot');
}

export async function runProjector(
  redis: Redis,
  name: string,
  { signal, leaseMs }: ProjectorOptions,
): Promise<void> {
  const reader = redis.duplicate();
  const disconnect = () => reader.disconnect();
  signal.addEventListener('abort', disconnect, { once: true });
  const hasGroup = new Set<string>();
  let mine = new Set<string>();
  let nextSweep = 0;

  try {
    while (!signal.aborted) {
      const projectors = await reportAlive(redis, name, leaseMs);
      const all = await findUsers(redis);
      const now = new Set(all.filter((userId) => ownerOf(userId, projectors) === name));
      for (const userId of now) {
        if (!hasGroup.has(userId)) await createGroup(redis, userId);
        hasGroup.add(userId);
      }
      // Now and then we look at all: one that was paused for long may have died with an entry of theirs.
      const sweep = Date.now() >= nextSweep;
      if (sweep) nextSweep = Date.now() + leaseMs;
      for (const userId of now) {
        if (signal.aborted) break;
        if ((sweep || !mine.has(userId)) && !(await project(redis, userId)))
          hasGroup.delete(userId);
      }
      mine = now;

      const blockMs = Math.min(LONGEST_BLOCK_MS, leaseMs / 4);
      for (const userId of await waitForEvents(reader, name, [...mine], blockMs, signal)) {
        if (signal.aborted) continue;
        if (userId === undefined || !(await project(redis, userId))) hasGroup.clear();
      }
    }
    await redis.zrem(PROJECTORS, name);
  } finally {
    signal.removeEventListener('abort', disconnect);
    disconnect();
  }
}

/** False when the user's stream, or the group, is gone. */
async function project(redis: Redis, userId: string): Promise<boolean> {
  try {
    await runScript(redis, PROJECT, [...keysOf(userId), DEAD], GROUP, userId);
    return true;
  } catch (error) {
    if (!isReply(error, 'NOGROUP')) throw error;
    return false;
  }
}

async function rebuildAll(redis: Redis, keep: 'snapshot' | 'cart only'): Promise<number> {
  const users = await findUsers(redis);
  for (const userId of users) await runScript(redis, REBUILD, keysOf(userId), keep);
  return users.length;
}

/** Runs a script by its hash; the server is sent its text only when it does not know it yet. */
async function runScript(
  redis: Redis,
  script: string,
  keys: readonly string[],
  ...args: (string | number)[]
): Promise<unknown> {
  const hash = createHash('sha1').update(script).digest('hex');
  try {
    return await redis.evalsha(hash, keys.length, ...keys, ...args);
  } catch (error) {
    if (!isReply(error, 'NOSCRIPT')) throw error;
    return redis.eval(script, keys.length, ...keys, ...args);
  }
}

/** Everyone who has a stream of events. SCAN may name a key twice. */
async function findUsers(redis: Redis): Promise<string[]> {
  const users = new Set<string>();
  for await (const keys of redis.scanStream({ match: `${EVENTS}*`, type: 'stream', count: 1000 })) {
    for (const key of keys) users.add(String(key).slice(EVENTS.length));
  }
  return [...users];
}

async function createGroup(redis: Redis, userId: string): Promise<void> {
  try {
    await redis.xgroup('CREATE', eventsOf(userId), GROUP, '0');
  } catch (error) {
    const isDeleted = isReply(error, 'ERR The XGROUP subcommand requires the key to exist');
    if (!isReply(error, 'BUSYGROUP') && !isDeleted) throw error;
  }
}

/** Waits until one of these users has new events, and says who has. `undefined` stands for a group that is gone. */
async function waitForEvents(
  reader: Redis,
  name: string,
  users: string[],
  blockMs: number,
  signal: AbortSignal,
): Promise<(string | undefined)[]> {
  try {
    if (users.length === 0) {
      await reader.xread('BLOCK', blockMs, 'STREAMS', `${PROJECTORS}:wait`, '$');
      return [];
    }
    const streams = [...users.map(eventsOf), ...users.map(() => '>')];
    const options = ['COUNT', 100, 'BLOCK', blockMs] as const;
    const reply = await reader.xreadgroup('GROUP', GROUP, name, ...options, 'STREAMS', ...streams);
    return (reply ?? []).map(([key]) => key.slice(EVENTS.length));
  } catch (error) {
    if (signal.aborted) return []; // "Connection is closed.": that was us
    if (isReply(error, 'NOGROUP') || isReply(error, 'UNBLOCKED')) return [undefined];
    throw error;
  }
}

/** Renews our lease, and returns the names of all whose lease has not run out. */
async function reportAlive(redis: Redis, name: string, leaseMs: number): Promise<string[]> {
  const alive = await runScript(redis, REPORT_ALIVE, [PROJECTORS], name, leaseMs);
  return Array.isArray(alive) ? alive.map(String) : [name];
}

/** The projector that has this user: the one whose hash with the user is the greatest. */
function ownerOf(userId: string, projectors: string[]): string | undefined {
  const weight = (name: string) => createHash('md5').update(`${name} ${userId}`).digest('hex');
  return projectors.toSorted((a, b) => (weight(a) < weight(b) ? 1 : -1))[0];
}

/** Whether Redis has answered with this error. */
function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}
