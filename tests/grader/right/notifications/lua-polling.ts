// Lua scripts on the shared connection, polling without blocking, six deliveries at a time, dead letters in one step
import type { Redis } from 'ioredis';

export type NotificationType = 'new_follower' | 'product_update' | 'security_alert';

export interface Notification {
  userId: string;
  type: NotificationType;
  message: string;
  /** Milliseconds since 1970. */
  timestamp: number;
}

export type Channel = 'email' | 'sms' | 'push';

/** Hands a notification to a provider, here to the grader. It may fail in any way, or take long; `id` is the entry's id. */
export type Deliver = (notification: Notification, id: string) => Promise<void>;

export interface NotifierOptions {
  /**
   * The notifier returns within a second of its abort. The delivery in hand has half a second to be finished; one that takes
   * longer stays pending. It may be aborted before the call.
   */
  signal: AbortSignal;
  /**
   * A notification that nobody has touched for so long has been left behind, or its delivery failed. Look for such
   * notifications at least as often.
   */
  minIdleMs: number;
}

/** Which channels a notification goes to. This is how a channel knows what is its own. */
export const ROUTES: Record<NotificationType, Channel[]> = {
  new_follower: ['email', 'push'],
  product_update: ['email'],
  security_alert: ['email', 'sms', 'push'],
};

const STREAM = 'user:notifications';
const DEAD = 'notifications:dead';
const SLOTS = 6;
const GRACE_MS = 500;
const POLL_MS = 50;

const groupOf = (channel: Channel): string => `${channel}_notifier_group`;

/**
 * KEYS: stream. ARGV: group, consumer, min idle, how many old ones, how many new ones.
 * Makes the group when it is missing, takes over what has been idle longest, and reads what is new.
 */
const TAKE = `
local stream, group, consumer, idle = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local old, new = tonumber(ARGV[4]), tonumber(ARGV[5])
local pending = redis.pcall('XPENDING', stream, group, 'IDLE', idle, '-', '+', 500)
if pending.err then
  if not string.find(pending.err, 'NOGROUP', 1, true) then return pending end
  redis.call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')
  pending = {}
end
table.sort(pending, function(a, b) return a[3] > b[3] end)
local taken = {}
for _, item in ipairs(pending) do
  if #taken >= old then break end
  local claimed = redis.call('XCLAIM', stream, group, consumer, idle, item[1])
  if claimed[1] and claimed[1][2] then
    taken[#taken + 1] = claimed[1]
  else
    redis.call('XACK', stream, group, item[1])
  end
end
if new > 0 then
  local fresh = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', new, 'STREAMS', stream, '>')
  if fresh then
    for _, entry in ipairs(fresh[1][2]) do taken[#taken + 1] = entry end
  end
end
return taken
`;

/** KEYS: stream, dead. ARGV: group, id, channel, reason. */
const BURY = `
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
if entry then
  local add = { 'XADD', KEYS[2], '*' }
  for _, value in ipairs(entry[2]) do add[#add + 1] = value end
  for _, value in ipairs({ 'originalId', ARGV[2], 'channel', ARGV[3], 'reason', ARGV[4] }) do add[#add + 1] = value end
  redis.call(unpack(add))
end
return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
`;

/** KEYS: stream. ARGV: group. */
const MAKE = `
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then return made end
return 'OK'
`;

export async function sendNotification(redis: Redis, notification: Notification): Promise<string> {
  const fields = Object.entries(notification).flatMap(([key, value]) => [key, String(value)]);
  return (await redis.xadd(STREAM, '*', ...fields))!;
}

export async function createGroups(redis: Redis): Promise<void> {
  const channels: Channel[] = ['email', 'sms', 'push'];
  await Promise.all(channels.map((channel) => redis.eval(MAKE, 1, STREAM, groupOf(channel))));
}

/** The channels of the entry's type; undefined when there is no such type. */
function routes(fields: Record<string, string>): Channel[] | undefined {
  const type = fields['type'];
  return type !== undefined && Object.hasOwn(ROUTES, type)
    ? ROUTES[type as NotificationType]
    : undefined;
}

function faults(fields: Record<string, string>): string[] {
  const wrong: string[] = [];
  for (const field of ['userId', 'type', 'message', 'timestamp']) {
    if (!Object.hasOwn(fields, field)) wrong.push(`${field} is missing`);
  }
  if (fields['type'] !== undefined && !routes(fields))
    wrong.push(`unknown type: ${fields['type']}`);
  if (fields['timestamp'] !== undefined && !/^\d+$/.test(fields['timestamp']))
    wrong.push(`not a timestamp: ${fields['timestamp']}`);
  return wrong;
}

function toRecord(flat: string[]): Record<string, string> {
  const record: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let i = 0; i + 1 < flat.length; i += 2) record[flat[i]!] = flat[i + 1]!;
  return record;
}

export async function runNotifier(
  redis: Redis,
  channel: Channel,
  name: string,
  deliver: Deliver,
  { signal, minIdleMs }: NotifierOptions,
): Promise<void> {
  if (signal.aborted) return;
  const group = groupOf(channel);
  const idle = Math.max(1, Math.ceil(minIdleMs));

  let slots = SLOTS;
  let closed = false;
  let failure: { error: unknown } | undefined;
  let turn = false;
  const running = new Set<Promise<void>>();
  const acking = new Set<Promise<unknown>>();
  const timers = new Set<NodeJS.Timeout>();

  let poke = (): void => {};
  /** Until somebody pokes, or so long. */
  const nap = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      poke = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const start = (id: string, notification: Notification): void => {
    slots--;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      slots++;
      poke();
    };
    // A delivery that hangs does not keep its slot for ever.
    const timer = setTimeout(release, idle);
    const work = (async () => {
      try {
        await deliver(notification, id);
      } catch {
        return;
      }
      if (closed) return;
      const ack = redis.xack(STREAM, group, id);
      acking.add(ack);
      await ack.finally(() => acking.delete(ack));
    })()
      .catch((error: unknown) => {
        failure = { error };
      })
      .finally(() => {
        clearTimeout(timer);
        timers.delete(timer);
        running.delete(work);
        release();
        poke();
      });
    running.add(work);
    timers.add(timer);
  };

  let abortedAt = 0;
  const onAbort = (): void => {
    abortedAt = Date.now();
    poke();
  };
  signal.addEventListener('abort', onAbort);
  try {
    while (!signal.aborted && !failure) {
      // Old and new ones share the slots; when one is left, they take turns.
      turn = !turn;
      const old = turn ? Math.ceil(slots / 2) : Math.floor(slots / 2);
      const taken = (await redis.eval(TAKE, 1, STREAM, group, name, idle, old, slots - old)) as [
        string,
        string[],
      ][];
      for (const [id, flat] of taken) {
        if (signal.aborted) break;
        const fields = toRecord(flat);
        const to = routes(fields);
        if (to && !to.includes(channel)) {
          await redis.xack(STREAM, group, id);
          continue;
        }
        const wrong = faults(fields);
        if (wrong.length > 0) {
          await redis.eval(BURY, 2, STREAM, DEAD, group, id, channel, wrong.join(', '));
          continue;
        }
        start(id, {
          userId: fields['userId']!,
          type: fields['type'] as NotificationType,
          message: fields['message']!,
          timestamp: Number(fields['timestamp']),
        });
      }
      if (signal.aborted) break;
      if (taken.length === 0 || slots === 0) await nap(POLL_MS);
    }
    if (failure) throw (failure as { error: unknown }).error;
    while (running.size > 0) {
      const left = abortedAt + GRACE_MS - Date.now();
      if (left <= 0) break;
      await nap(left);
    }
  } finally {
    closed = true;
    signal.removeEventListener('abort', onAbort);
    for (const timer of timers) clearTimeout(timer);
    await Promise.allSettled(acking);
  }
}
