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
const IDLE_POLL_MS = 25;
const GRACE_MS = 500;
/** So many retries in a row, then a new one has its turn. */
const RETRIES_IN_A_ROW = 10;

const GROUPS: Record<Channel, string> = {
  email: 'email_notifier_group',
  sms: 'sms_notifier_group',
  push: 'push_notifier_group',
};

/** Takes over one notification that has been idle for long enough: { cursor, entry? }. */
const TAKE_OVER = `
local cursor = ARGV[4]
for _ = 1, 20 do
  local r = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], cursor, 'COUNT', 1)
  cursor = r[1]
  local entry = r[2][1]
  if entry then return { cursor, entry } end
  if cursor == '0-0' then break end
end
return { cursor }
`;

/** Reads new entries and acknowledges those of a foreign type (ARGV[3], ...) on the spot: nil, {} for "there may be more", or an entry. */
const READ_NEW = `
local foreign = {}
for i = 3, #ARGV do foreign[ARGV[i]] = true end
for _ = 1, 100 do
  local r = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', 1, 'STREAMS', KEYS[1], '>')
  if not r then return nil end
  local entry = r[1][2][1]
  local kind = nil
  local fields = entry[2]
  for i = 1, #fields, 2 do
    if fields[i] == 'type' then kind = fields[i + 1] end
  end
  if kind == nil or not foreign[kind] then return entry end
  redis.call('XACK', KEYS[1], ARGV[1], entry[1])
end
return {}
`;

/** Copies an entry, as it is, to the dead ones, and acknowledges it in the same step. */
const BURY = `
local rows = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])
if rows[1] then
  local copy = { '*' }
  for _, part in ipairs(rows[1][2]) do copy[#copy + 1] = part end
  for _, part in ipairs({ 'originalId', ARGV[2], 'channel', ARGV[3], 'reason', ARGV[4] }) do copy[#copy + 1] = part end
  redis.call('XADD', KEYS[2], unpack(copy))
end
return redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
`;

type Entry = [id: string, fields: string[]];

class NotANotification extends Error {}

function isError(error: unknown, pattern: RegExp): boolean {
  return error instanceof Error && pattern.test(error.message);
}

async function makeGroup(redis: Redis, channel: Channel): Promise<void> {
  await redis.xgroup('CREATE', STREAM, GROUPS[channel], '0', 'MKSTREAM').catch((error: unknown) => {
    if (!isError(error, /^BUSYGROUP/)) throw error;
  });
}

/** The notification in the fields; undefined if it is for other channels. Throws a NotANotification. */
function parse(flat: string[], channel: Channel): Notification | undefined {
  const pairs: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i] ?? '', flat[i + 1] ?? '']);
  const fields = new Map(pairs);
  const get = (key: string): string => {
    const value = fields.get(key);
    if (value === undefined) throw new NotANotification(`no field ${key}`);
    return value;
  };

  const type = get('type');
  if (!isType(type)) throw new NotANotification(`unknown type ${JSON.stringify(type)}`);
  if (!ROUTES[type].includes(channel)) return undefined;
  const timestamp = get('timestamp');
  if (!/^\d+$/.test(timestamp))
    throw new NotANotification(`timestamp ${JSON.stringify(timestamp)} is not in digits`);
  return { userId: get('userId'), type, message: get('message'), timestamp: Number(timestamp) };
}

function isType(type: string): type is NotificationType {
  return Object.keys(ROUTES).includes(type);
}

/** Sleeps, but not beyond the abort. */
function nap(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const wake = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    signal.addEventListener('abort', wake);
  });
}

/** Resolves half a second after the abort; `cancel` when it is no longer needed. */
function deadline(signal: AbortSignal): { passed: Promise<'late'>; cancel: () => void } {
  let cancel = (): void => {};
  const passed = new Promise<'late'>((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const start = (): void => {
      timer = setTimeout(resolve, GRACE_MS, 'late');
    };
    signal.addEventListener('abort', start);
    cancel = () => {
      signal.removeEventListener('abort', start);
      clearTimeout(timer);
    };
  });
  return { passed, cancel };
}

/**
 * Task 1. Adds a notification to the stream `user:notifications`, one field per property, and returns the
 * entry's id. The stream is never trimmed.
 */
export async function sendNotification(redis: Redis, notification: Notification): Promise<string> {
  const id = await redis.xadd(
    STREAM,
    '*',
    'userId',
    notification.userId,
    'type',
    notification.type,
    'message',
    notification.message,
    'timestamp',
    String(notification.timestamp),
  );
  return id as string;
}

/**
 * Task 2. Makes the groups `email_notifier_group`, `sms_notifier_group` and `push_notifier_group`, each from
 * the very first notification on, whichever of them exist already. Any error but BUSYGROUP is passed on.
 */
export async function createGroups(redis: Redis): Promise<void> {
  await makeGroup(redis, 'email');
  await makeGroup(redis, 'sms');
  await makeGroup(redis, 'push');
}

/**
 * Tasks 3 to 6. One connection, the caller's: nothing blocks, so it asks again and again. What takes several commands is a
 * script.
 */
export async function runNotifier(
  redis: Redis,
  channel: Channel,
  name: string,
  deliver: Deliver,
  options: NotifierOptions,
): Promise<void> {
  const { signal } = options;
  const group = GROUPS[channel];
  const minIdle = Math.max(1, Math.ceil(options.minIdleMs));
  const sweepEvery = Math.min(1000, minIdle / 4);
  const foreignTypes = Object.entries(ROUTES)
    .filter(([, channels]) => !channels.includes(channel))
    .map(([type]) => type);

  let cursor: string | undefined; // undefined: between two sweeps
  let lastSweep = -Infinity;

  async function takeOver(): Promise<Entry | undefined> {
    if (cursor === undefined) {
      if (performance.now() - lastSweep < sweepEvery) return undefined;
      lastSweep = performance.now();
      cursor = '0-0';
    }
    const [next, entry] = (await redis.eval(
      TAKE_OVER,
      1,
      STREAM,
      group,
      name,
      minIdle,
      cursor,
    )) as [string, Entry?];
    cursor = next === '0-0' ? undefined : next;
    return entry;
  }

  async function work([id, flat]: Entry): Promise<void> {
    if (signal.aborted) return;
    let notification: Notification | undefined;
    try {
      notification = parse(flat, channel);
    } catch (error) {
      if (!(error instanceof NotANotification)) throw error;
      await redis.eval(BURY, 2, STREAM, DEAD, group, id, channel, error.message);
      return;
    }
    if (notification !== undefined) {
      const { passed, cancel } = deadline(signal);
      const outcome = await Promise.race([call(notification, id), passed]);
      cancel();
      if (outcome !== 'done') return;
    }
    await redis.xack(STREAM, group, id);
  }

  async function call(notification: Notification, id: string): Promise<'done' | 'failed'> {
    try {
      await deliver(notification, id);
      return 'done';
    } catch {
      return 'failed';
    }
  }

  /** One round: retries that are due, then a new one. False if there was nothing to do. */
  async function round(): Promise<boolean> {
    let busy = false;
    for (let i = 0; i < RETRIES_IN_A_ROW && !signal.aborted; i++) {
      const entry = await takeOver();
      if (entry !== undefined) {
        busy = true;
        await work(entry);
      }
      if (cursor === undefined) break;
    }
    if (signal.aborted) return false;
    const fresh = (await redis.eval(READ_NEW, 1, STREAM, group, name, ...foreignTypes)) as
      | Entry
      | []
      | null;
    if (fresh === null) return busy || cursor !== undefined;
    if (fresh.length > 0) await work(fresh as Entry);
    return true;
  }

  if (signal.aborted) return;
  await makeGroup(redis, channel);
  while (!signal.aborted) {
    let busy = true;
    try {
      busy = await round();
    } catch (error) {
      if (!isError(error, /\bNOGROUP\b/)) throw error;
      await makeGroup(redis, channel);
      cursor = undefined;
    }
    if (!busy) await nap(IDLE_POLL_MS, signal);
  }
}
