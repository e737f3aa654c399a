// A notification system, solved. README.md, beside this file, says why it is done this way.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
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
const DEAD_LETTERS = 'notifications:dead';
const GRACE_MS = 500;
const LONGEST_BLOCK_MS = 1000;
const FIRST = '0-0';

type Entry = [id: string, fields: string[] | null];
type Claimed = [cursor: string, entries: (Entry | null)[], gone: string[]];

interface Notifier {
  redis: Redis;
  channel: Channel;
  name: string;
  deliver: Deliver;
  signal: AbortSignal;
}

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
  if (signal.aborted) return; // the event is over: a listener would never hear of it
  // A group that is made today is given the whole history: the stream still has it.
  await createGroup(redis, channel);
  // Each channel blocks on a connection of its own. On a shared one, a channel without news would hold up the others.
  const reader = redis.duplicate();
  // The abort need not wait until a blocked read comes back.
  const disconnect = () => reader.disconnect();
  signal.addEventListener('abort', disconnect, { once: true });
  const notifier = { redis, channel, name, deliver, signal };

  let nextLook = Date.now();
  let cursor = FIRST;
  while (!signal.aborted) {
    try {
      // What is old and what is new take turns. A provider that is down makes each delivery fail, and may take its time
      // for that: all of the old ones in a row would keep the news waiting.
      if (Date.now() >= nextLook) {
        cursor = await retryNext(notifier, minIdleMs, cursor);
        if (cursor === FIRST) nextLook = Date.now() + minIdleMs / 2;
      }
      const entry = await readNew(reader, notifier, nextLook - Date.now());
      if (entry) await settle(notifier, entry);
    } catch (error) {
      await recover(notifier, error);
    }
  }
  signal.removeEventListener('abort', disconnect);
  disconnect();
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

/** Reads one entry that the group was not given before. One: in a batch, an entry gets older while it waits for its turn. */
async function readNew(
  reader: Redis,
  { channel, name }: Notifier,
  ms: number,
): Promise<Entry | undefined> {
  const blockMs = Math.ceil(Math.max(1, Math.min(LONGEST_BLOCK_MS, ms))); // 0 would be for ever
  const position = ['COUNT', 1, 'BLOCK', blockMs, 'STREAMS', STREAM, '>'] as const;
  const reply = await reader.xreadgroup('GROUP', groupOf(channel), name, ...position);
  return reply?.[0]?.[1][0];
}

/** Takes over the next entry that has been idle for too long: a failed delivery, or what the dead have left. Says where to go on. */
async function retryNext(notifier: Notifier, minIdleMs: number, cursor: string): Promise<string> {
  const { redis, channel, name } = notifier;
  const options = [minIdleMs, cursor, 'COUNT', 1] as const;
  const page = await redis.xautoclaim(STREAM, groupOf(channel), name, ...options);
  const [next, [entry]] = page as Claimed;
  if (entry) await settle(notifier, entry);
  return next;
}

/** Delivers an entry if it is the channel's own, and acknowledges it in any case but a failure. */
async function settle(notifier: Notifier, [id, fields]: Entry): Promise<void> {
  const { redis, channel, deliver, signal } = notifier;
  const notification = fields && readNotification(fields, channel);
  if (typeof notification === 'string') {
    await bury(notifier, id, [...(fields ?? []), 'reason', notification]);
    return;
  }
  if (notification) {
    if (signal.aborted) return;
    try {
      await withGrace(deliver(notification, id), signal);
    } catch (error) {
      console.error(`${channel}: delivery of ${id} failed, and is tried again later:`, error);
      return;
    }
  }
  // Also what is not ours: to the group it was delivered, and it would stay pending for ever.
  await redis.xack(STREAM, groupOf(channel), id);
}

/**
 * Puts an entry aside for a human. Only its holder does: who was paused for long has lost it to somebody else, who may have
 * put it aside already. The XACK comes last: a script is not rolled back, and after an XADD that fails the entry is still pending.
 */
async function bury(notifier: Notifier, id: string, fields: string[]): Promise<void> {
  const { redis, channel, name } = notifier;
  const script = `
    local stream, dead, group, id, holder = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]
    if #redis.call('XPENDING', stream, group, id, id, 1, holder) == 0 then return 0 end
    redis.call('XADD', dead, '*', unpack(ARGV, 4))
    return redis.call('XACK', stream, group, id)`;
  const letter = [...fields, 'originalId', id, 'channel', channel];
  await redis.eval(script, 2, STREAM, DEAD_LETTERS, groupOf(channel), id, name, ...letter);
}

/** Waits for a delivery, but not for longer than the grace after the abort: then it is left behind, as if it had failed. */
async function withGrace(delivery: Promise<void>, signal: AbortSignal): Promise<void> {
  const settled = new AbortController();
  const patience = async () => {
    if (!signal.aborted) await once(signal, 'abort', { signal: settled.signal });
    await sleep(GRACE_MS, undefined, { signal: settled.signal });
    throw new Error('it still ran when the notifier had to stop');
  };
  try {
    await Promise.race([delivery, patience()]);
  } finally {
    settled.abort(); // listener and timer are gone
  }
}

/** After any trouble but a delivery's. Only what is wrong from the start ends a notifier; a fail-over, for one, does not. */
async function recover({ redis, channel, signal }: Notifier, error: unknown): Promise<void> {
  if (signal.aborted) return; // "Connection is closed.": that was us
  // Somebody has deleted the stream, and its groups with it. 7.0 says UNBLOCKED to those who wait in it.
  const hasVanished = isReply(error, 'NOGROUP') || isReply(error, 'UNBLOCKED');
  const trouble = hasVanished ? await createGroup(redis, channel).catch((why) => why) : error;
  if (!trouble) return;
  console.error(`${channel}: tries again in a second:`, trouble);
  await sleep(1000, undefined, { signal }).catch(() => {}); // the abort ends the pause
}

/** Whether Redis has answered with this error. */
function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}

/** The notification; null when it is for other channels; or what is wrong with it, as others write to this stream, too. */
function readNotification(fields: string[], channel: Channel): Notification | null | string {
  // Fields come back as a flat list of strings, in the order in which they were added.
  const values: Partial<Record<string, string>> = {};
  for (let at = 0; at < fields.length; at += 2) values[fields[at] ?? ''] = fields[at + 1];
  const { userId, type, message, timestamp } = values;
  if (!isType(type)) return `type is ${type}`;
  if (!ROUTES[type].includes(channel)) return null;
  if (userId === undefined || message === undefined) return 'userId or message is missing';
  if (!/^\d+$/.test(timestamp ?? '')) return `timestamp is ${timestamp}`;
  return { userId, type, message, timestamp: Number(timestamp) };
}

/** `in` would not do: every object has a `constructor`. */
function isType(text = ''): text is NotificationType {
  return Object.hasOwn(ROUTES, text);
}
