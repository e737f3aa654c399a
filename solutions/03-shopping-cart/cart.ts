// An event-sourced shopping cart, solved. README.md, beside this file, says why it is done this way.
import { createHash } from 'node:crypto';
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

/**
 * Applies one event, unless it is in the cart already. Redis runs a script as a whole: nobody comes in between the
 * comparison, the change, and the note of how far the cart has come. That note makes every event count once, whoever
 * applies it and however often.
 */
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

/** Applies all events that the cart does not have yet, straight from the stream: in order, and without a gap. */
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

/**
 * ... and acknowledges what is pending, whichever projector was given it: now it is in the cart, or was trimmed away. What is no
 * event goes to `cart:dead` in the same step, so that it is there once.
 */
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

/**
 * Task 1. Adds an event to the user's stream `cart:events:<userId>`, one field per property, and returns
 * the entry's id. The stream is the source of truth and never trimmed.
 */
export async function recordEvent(redis: Redis, userId: string, event: CartEvent): Promise<string> {
  const id = await redis.xadd(eventsOf(userId), '*', ...Object.entries(event).flat());
  if (id === null) throw new Error(`the stream of ${userId} took no event`); // only with NOMKSTREAM
  return id;
}

/**
 * Task 2. Applies the event with this entry id, two whole numbers of 64 bits, to the hash `cart:current:<userId>`: item id →
 * quantity, and nothing else in it. Adding and removing change the quantity; a line that reaches 0 or less goes; checkout empties
 * the cart.
 * An event that was applied before, or is older than one that was, changes nothing, whoever else calls this now.
 */
export async function applyEvent(
  redis: Redis,
  userId: string,
  id: string,
  event: CartEvent,
): Promise<void> {
  const line = event.eventType === 'cart:checkout' ? [] : [event.itemId, event.quantity];
  await runScript(redis, APPLY_ONE, keysOf(userId), id, event.eventType, ...line);
}

/** Task 2. The user's cart, item id → quantity; `{}` when it is empty. */
export async function readCart(redis: Redis, userId: string): Promise<Record<string, number>> {
  const lines = Object.entries(await redis.hgetall(`cart:current:${userId}`));
  return Object.fromEntries(lines.map(([itemId, quantity]) => [itemId, Number(quantity)]));
}

/**
 * Task 3. Makes every cart anew from its whole stream, however the hashes look before, also while projectors run and
 * events arrive. An event that is in the rebuilt cart is not applied to it again. Returns how many carts there are: one
 * for each stream `cart:events:<userId>`, whoever has written it.
 */
export async function rebuildCarts(redis: Redis): Promise<number> {
  return rebuildAll(redis, 'cart only');
}

/**
 * Stretch, task 6. Keeps a snapshot of every cart as of its last event. From then on, `rebuildCarts` needs only the
 * events after it: those before may be trimmed. Returns how many carts there are.
 */
export async function snapshotCarts(redis: Redis): Promise<number> {
  // From the events, not from the hash: a snapshot must not make an error in the projection permanent.
  return rebuildAll(redis, 'snapshot');
}

/**
 * Tasks 4 and 5. Keeps the carts of all users up to date, until the signal is aborted, as the consumer `name` of the
 * group `cart_projectors` on each user's stream. Users are those who have a stream: others write to them as well,
 * and new ones come, who have their cart within two seconds. Several projectors share the users, and each user's
 * events are applied in order. When a projector dies, another takes over within twice `leaseMs`, and a second. What is
 * no event goes to `cart:dead`. `redis` belongs to the caller.
 */
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
      // Who is new to us may have been left in mid-work. And now and then we look at all: one that was
      // paused for long may have been given an entry, and have died with it, after it had lost the user.
      const sweep = Date.now() >= nextSweep;
      if (sweep) nextSweep = Date.now() + leaseMs;
      for (const userId of now) {
        if (signal.aborted) break;
        const isToBeSeenTo = sweep || !mine.has(userId);
        if (isToBeSeenTo && !(await project(redis, userId))) hasGroup.delete(userId);
      }
      mine = now;

      const blockMs = Math.min(LONGEST_BLOCK_MS, leaseMs / 4);
      for (const userId of await waitForEvents(reader, name, [...mine], blockMs, signal)) {
        if (signal.aborted) break; // it stays pending, and another projector takes it over
        // A stream was deleted, and its group with it, or somebody has destroyed the group: make them again.
        if (userId === undefined || !(await project(redis, userId))) hasGroup.clear();
      }
    }
    await redis.zrem(PROJECTORS, name);
  } finally {
    signal.removeEventListener('abort', disconnect);
    disconnect();
  }
}

/** Brings one user's cart up to date. Returns false when the stream is gone, or its group. */
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

/**
 * Waits until one of these users has new events, and says who has. The entries are pending for us from now on; what
 * they say is read again in order by the script. `undefined` stands for a group that is gone.
 */
async function waitForEvents(
  reader: Redis,
  name: string,
  users: string[],
  blockMs: number,
  signal: AbortSignal,
): Promise<(string | undefined)[]> {
  try {
    if (users.length === 0) {
      // Nobody is ours: wait all the same. A read of a stream that nobody writes to does that.
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

/** Renews our lease by the server's clock, and returns the names of all whose lease has not run out. */
async function reportAlive(redis: Redis, name: string, leaseMs: number): Promise<string[]> {
  const alive = await runScript(redis, REPORT_ALIVE, [PROJECTORS], name, leaseMs);
  return Array.isArray(alive) ? alive.map(String) : [name];
}

/**
 * The projector that has this user: the one whose hash with the user is the greatest ("rendezvous hashing"). All come
 * to the same answer without talking to each other, and when one goes, only its own users move.
 */
function ownerOf(userId: string, projectors: string[]): string | undefined {
  const weight = (name: string) => createHash('md5').update(`${name} ${userId}`).digest('hex');
  return projectors.toSorted((a, b) => (weight(a) < weight(b) ? 1 : -1))[0];
}

/** Whether Redis has answered with this error. */
function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}
