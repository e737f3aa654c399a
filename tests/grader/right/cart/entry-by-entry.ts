// Style: a lease per user (SET NX PX, renewed); under the lease first what is pending, then what is new, each event
// by itself: applied by a script that compares ids, then acknowledged. The read of new events checks the lease too.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';

export type CartEvent =
  | { eventType: 'item:add' | 'item:remove'; itemId: string; quantity: number; timestamp: number }
  | { eventType: 'cart:checkout'; timestamp: number };

export interface ProjectorOptions {
  signal: AbortSignal;
  leaseMs: number;
}

type Entry = [id: string, fields: string[]];

const GROUP = 'cart_projectors';
const PREFIX = 'cart:events:';
const ROUND_MS = 40;

const APPLY = `
  local function parts(id) return string.match(id, '(%d+)-(%d+)') end
  local function newer(id, last)
    local a, b = parts(id)
    local c, d = parts(last)
    if a ~= c then return #a > #c or (#a == #c and a > c) end
    return #b > #d or (#b == #d and b > d)
  end
  local function apply(id, type, item, quantity)
    local last = redis.call('GET', KEYS[2])
    if last and not newer(id, last) then return end
    if type == 'cart:checkout' then
      redis.call('DEL', KEYS[1])
    else
      local sign = type == 'item:add' and 1 or -1
      if redis.call('HINCRBY', KEYS[1], item, sign * quantity) <= 0 then
        redis.call('HDEL', KEYS[1], item)
      end
    end
    redis.call('SET', KEYS[2], id)
  end
`;
const APPLY_ONE = `${APPLY} apply(ARGV[1], ARGV[2], ARGV[3], ARGV[4])`;
const REBUILD = `${APPLY}
  redis.call('DEL', KEYS[1], KEYS[2])
  local snapshot = redis.call('HGETALL', KEYS[4])
  for at = 1, #snapshot, 2 do
    if snapshot[at] == '' then redis.call('SET', KEYS[2], snapshot[at + 1])
    else redis.call('HSET', KEYS[1], snapshot[at], snapshot[at + 1]) end
  end
  for _, entry in ipairs(redis.call('XRANGE', KEYS[3], '-', '+')) do
    local event = {}
    for at = 1, #entry[2], 2 do event[entry[2][at]] = entry[2][at + 1] end
    local isLine = event.eventType == 'item:add' or event.eventType == 'item:remove'
    if event.eventType == 'cart:checkout' or
      (isLine and event.itemId and string.match(event.quantity or '', '^[1-9]%d*$')) then
      apply(entry[1], event.eventType, event.itemId, event.quantity)
    end
  end
  if ARGV[1] == 'snapshot' then
    redis.call('DEL', KEYS[4])
    local cart = redis.call('HGETALL', KEYS[1])
    for at = 1, #cart, 2 do redis.call('HSET', KEYS[4], cart[at], cart[at + 1]) end
    redis.call('HSET', KEYS[4], '', redis.call('GET', KEYS[2]) or '0-0')
  end
`;
const RENEW = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`;
const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;
const READ_NEW = `
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {} end
  local reply = redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', 20, 'STREAMS', KEYS[2], '>')
  return reply and reply[1][2] or {}
`;

export async function recordEvent(redis: Redis, userId: string, event: CartEvent): Promise<string> {
  return String(await redis.xadd(PREFIX + userId, '*', ...Object.entries(event).flat()));
}

export async function applyEvent(
  redis: Redis,
  userId: string,
  id: string,
  event: CartEvent,
): Promise<void> {
  const line = event.eventType === 'cart:checkout' ? ['', 0] : [event.itemId, event.quantity];
  await redis.eval(APPLY_ONE, 2, ...keysOf(userId).slice(0, 2), id, event.eventType, ...line);
}

export async function readCart(redis: Redis, userId: string): Promise<Record<string, number>> {
  const cart: Record<string, number> = {};
  for (const [item, quantity] of Object.entries(await redis.hgetall(`cart:current:${userId}`))) {
    cart[item] = Number(quantity);
  }
  return cart;
}

export async function rebuildCarts(redis: Redis): Promise<number> {
  const users = await findUsers(redis);
  await Promise.all(users.map((user) => redis.eval(REBUILD, 4, ...keysOf(user), '')));
  return users.length;
}

export async function snapshotCarts(redis: Redis): Promise<number> {
  const users = await findUsers(redis);
  await Promise.all(users.map((user) => redis.eval(REBUILD, 4, ...keysOf(user), 'snapshot')));
  return users.length;
}

export async function runProjector(
  redis: Redis,
  name: string,
  { signal, leaseMs }: ProjectorOptions,
): Promise<void> {
  const token = `${name}:${process.pid}:${Math.random()}`;
  while (!signal.aborted) {
    for (const user of await findUsers(redis)) {
      if (signal.aborted) break;
      if (!(await takeLease(redis, user, token, leaseMs))) continue;
      await redis.xgroup('CREATE', PREFIX + user, GROUP, '0', 'MKSTREAM').catch((error: Error) => {
        if (!error.message.startsWith('BUSYGROUP')) throw error;
      });
      await workOff(redis, name, user, token, leaseMs, signal).catch((error: Error) => {
        // The stream was deleted, or the group destroyed: the next round makes it anew.
        if (!error.message.startsWith('NOGROUP')) throw error;
      });
      await redis.eval(RELEASE, 1, leaseOf(user), token);
    }
    await sleep(ROUND_MS, undefined, { signal }).catch(() => {});
  }
}

/** All that is pending, whoever it was given to, and all that is new: in this order, which is that of the ids. */
async function workOff(
  redis: Redis,
  name: string,
  user: string,
  token: string,
  leaseMs: number,
  signal: AbortSignal,
): Promise<void> {
  const settle = async ([id, fields]: Entry) => {
    if (signal.aborted) return; // stays pending, for whoever has the lease next
    const event = readEvent(fields);
    if ('reason' in event) {
      const about = ['userId', user, 'originalId', id, 'reason', event.reason];
      const dead = redis.multi().xadd('cart:dead', '*', ...fields, ...about);
      await dead.xack(PREFIX + user, GROUP, id).exec();
    } else {
      await applyEvent(redis, user, id, event);
      await redis.xack(PREFIX + user, GROUP, id);
    }
    await redis.eval(RENEW, 1, leaseOf(user), token, leaseMs);
  };
  let cursor = '0-0';
  do {
    const page = await redis.xautoclaim(PREFIX + user, GROUP, name, 0, cursor, 'COUNT', 50);
    const [next, entries] = page as [string, (Entry | null)[]];
    for (const entry of entries) if (entry) await settle(entry);
    cursor = next;
  } while (cursor !== '0-0' && !signal.aborted);
  while (!signal.aborted) {
    const keys = [leaseOf(user), PREFIX + user];
    const entries = (await redis.eval(READ_NEW, 2, ...keys, token, GROUP, name)) as Entry[];
    if (entries.length === 0) return;
    for (const entry of entries) await settle(entry);
  }
}

async function takeLease(
  redis: Redis,
  user: string,
  token: string,
  leaseMs: number,
): Promise<boolean> {
  return (await redis.set(leaseOf(user), token, 'PX', leaseMs, 'NX')) === 'OK';
}

const leaseOf = (user: string) => `cart:lease:${user}`;

function keysOf(user: string): string[] {
  return [`cart:current:${user}`, `cart:last:${user}`, PREFIX + user, `cart:snapshot:${user}`];
}

async function findUsers(redis: Redis): Promise<string[]> {
  const users = new Set<string>();
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `${PREFIX}*`, 'COUNT', 500);
    for (const key of keys) users.add(key.slice(PREFIX.length));
    cursor = next;
  } while (cursor !== '0');
  return [...users];
}

function readEvent(fields: string[]): CartEvent | { reason: string } {
  const values = new Map<string, string>();
  for (let at = 0; at < fields.length; at += 2) values.set(fields[at] ?? '', fields[at + 1] ?? '');
  const eventType = values.get('eventType');
  const timestamp = Number(values.get('timestamp'));
  if (eventType === 'cart:checkout') return { eventType, timestamp };
  if (eventType !== 'item:add' && eventType !== 'item:remove') return { reason: 'unknown type' };
  const itemId = values.get('itemId');
  if (itemId === undefined) return { reason: 'no item' };
  const quantity = values.get('quantity') ?? '';
  if (!/^[1-9]\d*$/.test(quantity)) return { reason: `not a quantity: ${quantity}` };
  return { eventType, itemId, quantity: Number(quantity), timestamp };
}
