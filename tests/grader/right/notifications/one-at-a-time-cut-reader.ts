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
const CHANNELS: Channel[] = ['email', 'sms', 'push'];
const GRACE_MS = 500;
const LONGEST_WAIT_MS = 500;

type Fields = string[];
type Entry = [id: string, fields: Fields | null];

type Verdict =
  | { kind: 'own'; notification: Notification }
  | { kind: 'foreign' }
  | { kind: 'broken'; reason: string };

const groupOf = (channel: Channel): string => `${channel}_notifier_group`;

const answered = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && codes.some((code) => error.message.startsWith(code));

async function ensureGroup(redis: Redis, group: string): Promise<void> {
  try {
    await redis.xgroup('CREATE', STREAM, group, '0', 'MKSTREAM');
  } catch (error) {
    if (!answered(error, 'BUSYGROUP')) throw error;
  }
}

/** What this channel has to do with an entry. The type comes first: what is for others is none of our business. */
function judge(fields: Fields, channel: Channel): Verdict {
  const named = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) named.set(fields[i]!, fields[i + 1]!);

  const type = named.get('type');
  if (type === undefined) return { kind: 'broken', reason: 'type is missing' };
  if (!Object.hasOwn(ROUTES, type)) return { kind: 'broken', reason: `type is unknown: ${type}` };
  if (!ROUTES[type as NotificationType].includes(channel)) return { kind: 'foreign' };

  const userId = named.get('userId');
  const message = named.get('message');
  const timestamp = named.get('timestamp');
  if (userId === undefined) return { kind: 'broken', reason: 'userId is missing' };
  if (message === undefined) return { kind: 'broken', reason: 'message is missing' };
  if (timestamp === undefined) return { kind: 'broken', reason: 'timestamp is missing' };
  if (!/^[0-9]+$/.test(timestamp))
    return { kind: 'broken', reason: `timestamp is no whole number: ${timestamp}` };

  return {
    kind: 'own',
    notification: { userId, type: type as NotificationType, message, timestamp: Number(timestamp) },
  };
}

/** True if the provider took it; false if it failed, or was not done half a second after the abort. */
async function attempt(
  deliver: Deliver,
  notification: Notification,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => {};
  const outOfTime = new Promise<boolean>((resolve) => {
    onAbort = () => {
      timer = setTimeout(() => resolve(false), GRACE_MS);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  const delivery = (async () => deliver(notification, id))().then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([delivery, outOfTime]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }
}

/** Puts an entry aside with its bytes as they are, and only then acknowledges it. */
async function bury(
  redis: Redis,
  group: string,
  channel: Channel,
  id: string,
  fields: Fields,
  reason: string,
): Promise<void> {
  const [exact] = await redis.xrangeBuffer(STREAM, id, id);
  const kept: (string | Buffer)[] = exact ? exact[1] : fields;
  await redis.xadd(DEAD, '*', ...kept, 'originalId', id, 'channel', channel, 'reason', reason);
  await redis.xack(STREAM, group, id);
}

/**
 * Task 1. Adds a notification to the stream `user:notifications`, one field per property, and returns the
 * entry's id. The stream is never trimmed.
 */
export async function sendNotification(redis: Redis, notification: Notification): Promise<string> {
  const { userId, type, message, timestamp } = notification;
  const id = await redis.xadd(
    STREAM,
    '*',
    'userId',
    userId,
    'type',
    type,
    'message',
    message,
    'timestamp',
    timestamp,
  );
  if (id === null) throw new Error('XADD returned no id');
  return id;
}

/**
 * Task 2. Makes the groups `email_notifier_group`, `sms_notifier_group` and `push_notifier_group`, each from
 * the very first notification on, whichever of them exist already. Any error but BUSYGROUP is passed on.
 */
export async function createGroups(redis: Redis): Promise<void> {
  for (const channel of CHANNELS) await ensureGroup(redis, groupOf(channel));
}

/**
 * Tasks 3 to 6. One notification at a time: nothing waits in our hands while another is being delivered. A connection of
 * its own for the reading that blocks; it is cut at the abort.
 */
export async function runNotifier(
  redis: Redis,
  channel: Channel,
  name: string,
  deliver: Deliver,
  options: NotifierOptions,
): Promise<void> {
  const { signal } = options;
  if (signal.aborted) return;

  const group = groupOf(channel);
  const minIdle = Math.max(1, Math.ceil(options.minIdleMs));
  const pace = Math.min(LONGEST_WAIT_MS, Math.max(10, minIdle / 5));

  const reader = redis.duplicate({
    maxRetriesPerRequest: null,
    enableOfflineQueue: true,
    commandTimeout: undefined,
  });
  reader.on('error', () => {});
  const hangUp = (): void => reader.disconnect();
  signal.addEventListener('abort', hangUp, { once: true });

  let cursor = '0-0';
  let sweeping = false;
  let sweepStarted = 0;
  let nextSweep = 0;

  const handle = async ([id, fields]: Entry): Promise<void> => {
    if (signal.aborted) return;
    if (fields === null) {
      await redis.xack(STREAM, group, id);
      return;
    }
    const verdict = judge(fields, channel);
    if (verdict.kind === 'foreign') {
      await redis.xack(STREAM, group, id);
    } else if (verdict.kind === 'broken') {
      await bury(redis, group, channel, id, fields, verdict.reason);
    } else if (await attempt(deliver, verdict.notification, id, signal)) {
      await redis.xack(STREAM, group, id);
    }
  };

  /** Goes on with the sweep through the pending ones, for a while: the new ones shall have their turn too. */
  const retry = async (): Promise<void> => {
    const begun = performance.now();
    if (!sweeping) {
      if (begun < nextSweep) return;
      sweeping = true;
      sweepStarted = begun;
      cursor = '0-0';
    }
    while (!signal.aborted && performance.now() - begun < minIdle / 4) {
      const reply = await redis.xautoclaim(STREAM, group, name, minIdle, cursor, 'COUNT', 1);
      const [next, entries] = reply as [string, Entry[]];
      cursor = next;
      for (const entry of entries) await handle(entry);
      if (cursor === '0-0') {
        sweeping = false;
        nextSweep = sweepStarted + pace;
        return;
      }
    }
  };

  const readNew = async (): Promise<void> => {
    let reply: [string, Entry[]][] | null;
    try {
      if (sweeping) {
        reply = await reader.xreadgroup('GROUP', group, name, 'COUNT', 1, 'STREAMS', STREAM, '>');
      } else {
        const wait = Math.max(
          1,
          Math.floor(Math.min(LONGEST_WAIT_MS, nextSweep - performance.now())),
        );
        reply = await reader.xreadgroup(
          'GROUP',
          group,
          name,
          'COUNT',
          1,
          'BLOCK',
          wait,
          'STREAMS',
          STREAM,
          '>',
        );
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    for (const [, entries] of reply ?? []) for (const entry of entries) await handle(entry);
  };

  try {
    await ensureGroup(redis, group);
    while (!signal.aborted) {
      try {
        await retry();
        if (!signal.aborted) await readNew();
      } catch (error) {
        // The stream or the group has been deleted: begin anew. (7.0 says UNBLOCKED to those that wait.)
        if (!answered(error, 'NOGROUP', 'UNBLOCKED')) throw error;
        await ensureGroup(redis, group);
        sweeping = false;
      }
    }
  } finally {
    signal.removeEventListener('abort', hangUp);
    reader.disconnect();
  }
}
