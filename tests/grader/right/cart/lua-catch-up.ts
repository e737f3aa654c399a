// Style: nobody owns anybody. All projectors look at all users; one script reads the group, catches up from the
// last id, and acknowledges, as a whole.
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
const PREFIX = 'cart:events:';

export async function recordEvent(redis: Redis, userId: string, event: CartEvent): Promise<string> {
  return String(await redis.xadd(PREFIX + userId, '*', ...Object.entries(event).flat()));
}

export async function readCart(redis: Redis, userId: string): Promise<Record<string, number>> {
  const cart: Record<string, number> = {};
  for (const [item, quantity] of Object.entries(await redis.hgetall(`cart:current:${userId}`))) {
    cart[item] = Number(quantity);
  }
  return cart;
}

async function findUsers(redis: Redis): Promise<string[]> {
  const keys = await redis.keys(`${PREFIX}*`);
  return keys.map((key) => key.slice(PREFIX.length)).sort();
}

async function makeGroup(redis: Redis, user: string): Promise<void> {
  await redis.xgroup('CREATE', PREFIX + user, GROUP, '0', 'MKSTREAM').catch((error: Error) => {
    if (!error.message.startsWith('BUSYGROUP')) throw error;
  });
}

/** A stream was deleted, or its group destroyed: it is made anew in the next round. */
function ignoreGone(error: Error): null {
  if (!/^(NOGROUP|UNBLOCKED)/.test(error.message)) throw error;
  return null;
}

// KEYS: cart, last id, events, snapshot.
const LIBRARY = `
  local function greater(a, b) return #a > #b or (#a == #b and a > b) end
  local function after(id, last)
    local ms, seq = string.match(id, '(%d+)-(%d+)')
    local lastMs, lastSeq = string.match(last, '(%d+)-(%d+)')
    return greater(ms, lastMs) or (ms == lastMs and greater(seq, lastSeq))
  end
  local function trouble(kind, item, quantity)
    if kind == 'cart:checkout' then return nil end
    if kind ~= 'item:add' and kind ~= 'item:remove' then return 'not an event of a cart' end
    if not item then return 'which item?' end
    if not string.match(quantity or '', '^[1-9]%d*$') then return 'how many?' end
  end
  local function apply(id, kind, item, quantity)
    if not after(id, redis.call('GET', KEYS[2]) or '0-0') then return end
    if trouble(kind, item, quantity) then redis.call('SET', KEYS[2], id) return end
    if kind == 'cart:checkout' then redis.call('DEL', KEYS[1])
    elseif kind == 'item:add' then redis.call('HINCRBY', KEYS[1], item, quantity)
    elseif redis.call('HINCRBY', KEYS[1], item, -quantity) <= 0 then redis.call('HDEL', KEYS[1], item) end
    redis.call('SET', KEYS[2], id)
  end
  local function read(entry)
    local event = {}
    for i = 1, #entry[2], 2 do event[entry[2][i]] = entry[2][i + 1] end
    return event.eventType, event.itemId, event.quantity
  end
  local function catchUp()
    local last = redis.call('GET', KEYS[2]) or '0-0'
    for _, entry in ipairs(redis.call('XRANGE', KEYS[3], '(' .. last, '+')) do
      apply(entry[1], read(entry))
    end
  end
  local function acknowledge(group, user)
    for _, pending in ipairs(redis.call('XPENDING', KEYS[3], group, '-', '+', 1000)) do
      local entry = redis.call('XRANGE', KEYS[3], pending[1], pending[1])[1]
      local reason = entry and trouble(read(entry))
      if reason then
        redis.call('XADD', 'cart:dead', '*', 'userId', user, 'originalId', pending[1], 'reason', reason, unpack(entry[2]))
      end
      redis.call('XACK', KEYS[3], group, pending[1])
    end
  end
`;
const APPLY = `${LIBRARY} apply(ARGV[1], ARGV[2], ARGV[3], ARGV[4])`;
const REBUILD = `${LIBRARY}
  redis.call('DEL', KEYS[1], KEYS[2])
  local snapshot = redis.call('GET', KEYS[4])
  if snapshot then
    local kept = cjson.decode(snapshot)
    redis.call('SET', KEYS[2], kept[1])
    for i = 2, #kept, 2 do redis.call('HSET', KEYS[1], kept[i], kept[i + 1]) end
  end
  catchUp()
  if ARGV[1] == 'keep' and redis.call('GET', KEYS[2]) then
    redis.call('SET', KEYS[4], cjson.encode({ redis.call('GET', KEYS[2]), unpack(redis.call('HGETALL', KEYS[1])) }))
  end
`;

const keysOf = (user: string) => [
  `cart:current:${user}`,
  `cart:last:${user}`,
  PREFIX + user,
  `cart:snapshot:${user}`,
];

export async function applyEvent(
  redis: Redis,
  userId: string,
  id: string,
  event: CartEvent,
): Promise<void> {
  const line = event.eventType === 'cart:checkout' ? ['', 0] : [event.itemId, event.quantity];
  await redis.eval(APPLY, 4, ...keysOf(userId), id, event.eventType, ...line);
}

export async function rebuildCarts(redis: Redis): Promise<number> {
  const users = await findUsers(redis);
  for (const user of users) await redis.eval(REBUILD, 4, ...keysOf(user), '');
  return users.length;
}

export async function snapshotCarts(redis: Redis): Promise<number> {
  const users = await findUsers(redis);
  for (const user of users) await redis.eval(REBUILD, 4, ...keysOf(user), 'keep');
  return users.length;
}

const STEP = `${LIBRARY}
  redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'STREAMS', KEYS[3], '>')
  catchUp()
  acknowledge(ARGV[1], ARGV[3])
`;

export async function runProjector(
  redis: Redis,
  name: string,
  { signal, leaseMs }: ProjectorOptions,
): Promise<void> {
  void leaseMs; // whoever is there does it
  while (!signal.aborted) {
    for (const user of await findUsers(redis)) {
      if (signal.aborted) return;
      await makeGroup(redis, user);
      await redis.eval(STEP, 4, ...keysOf(user), GROUP, name, user).catch(ignoreGone);
    }
    await sleep(30, undefined, { signal }).catch(() => {});
  }
}
