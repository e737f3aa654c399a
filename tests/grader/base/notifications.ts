// A correct submission. Frozen: wrong submissions are changes to it, whatever becomes of the solution.
import type { Redis } from 'ioredis';

export type NotificationType = 'new_follower' | 'product_update' | 'security_alert';

export interface Notification {
  userId: string;
  type: NotificationType;
  message: string;
  timestamp: number;
}

export type Channel = 'email' | 'sms' | 'push';

export type Deliver = (notification: Notification, id: string) => Promise<void>;

export interface NotifierOptions {
  signal: AbortSignal;
  minIdleMs: number;
}

export const ROUTES: Record<NotificationType, Channel[]> = {
  new_follower: ['email', 'push'],
  product_update: ['email'],
  security_alert: ['email', 'sms', 'push'],
};

const STREAM = 'user:notifications';
const CHANNELS: Channel[] = ['email', 'sms', 'push'];
const DEAD_LETTERS = 'notifications:dead';
const BATCH = 1;
const LONGEST_BLOCK_MS = 1000;
const GRACE_MS = 500;

type Entry = [id: string, fields: string[] | null];
// XAUTOCLAIM has a third element since Redis 7.0; on 6.2, an entry that is gone is nil.
type Claimed = [cursor: string, entries: (Entry | null)[], gone?: string[]];

export async function sendNotification(redis: Redis, notification: Notification): Promise<string> {
  const { userId, type, message, timestamp } = notification;
  const fields = { userId, type, message, timestamp };
  const id = await redis.xadd(STREAM, '*', ...Object.entries(fields).flat());
  if (id === null) throw new Error(`${STREAM} took no notification`);
  return id;
}

export async function createGroups(redis: Redis): Promise<void> {
  for (const channel of CHANNELS) await createGroup(redis, channel);
}

export async function runNotifier(
  redis: Redis,
  channel: Channel,
  name: string,
  deliver: Deliver,
  { signal, minIdleMs }: NotifierOptions,
): Promise<void> {
  if (signal.aborted) return;
  await createGroup(redis, channel);
  const reader = redis.duplicate();
  const disconnect = () => reader.disconnect();
  signal.addEventListener('abort', disconnect, { once: true });
  const settle = (entry: Entry) => settleEntry(redis, channel, entry, deliver, signal);

  try {
    let nextRetry = 0;
    while (!signal.aborted) {
      try {
        if (Date.now() >= nextRetry) {
          await retryIdle(redis, channel, name, minIdleMs, settle, signal);
          nextRetry = Date.now() + minIdleMs / 2;
        }
        if (signal.aborted) break;
        const blockMs = Math.ceil(Math.max(1, Math.min(LONGEST_BLOCK_MS, nextRetry - Date.now())));
        for (const entry of await readNew(reader, channel, name, blockMs)) {
          if (signal.aborted) break;
          await settle(entry);
        }
      } catch (error) {
        if (signal.aborted) break; // "Connection is closed.": that was us
        if (!hasVanished(error)) throw error;
        await createGroup(redis, channel);
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
  channel: Channel,
  name: string,
  blockMs: number,
): Promise<Entry[]> {
  const group = ['GROUP', groupOf(channel), name] as const;
  const options = ['COUNT', BATCH, 'BLOCK', blockMs, 'STREAMS', STREAM, '>'] as const;
  const reply = await reader.xreadgroup(...group, ...options);
  return reply?.[0]?.[1] ?? [];
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
  signal: AbortSignal,
): Promise<void> {
  const reason = fields && whatIsWrong(fields, channel);
  if (fields && reason) {
    const explained = [...fields, 'originalId', id, 'channel', channel, 'reason', reason];
    await redis.xadd(DEAD_LETTERS, '*', ...explained);
  }
  const notification = fields && !reason && readNotification(fields);
  if (notification && ROUTES[notification.type].includes(channel)) {
    if (signal.aborted) return;
    try {
      await untilGrace(deliver(notification, id), signal);
    } catch (error) {
      console.error(`${channel}: delivery of ${id} failed, and is tried again later:`, error);
      return;
    }
  }
  await redis.xack(STREAM, groupOf(channel), id);
}

/** Waits for a delivery; one that still runs when the grace after the abort is over is left behind. */
async function untilGrace(delivery: Promise<void>, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let startTimer = () => {};
  const graceIsOver = new Promise<never>((_, reject) => {
    startTimer = () => {
      timer = setTimeout(() => reject(new Error('left behind at the stop')), GRACE_MS);
    };
  });
  if (signal.aborted) startTimer();
  signal.addEventListener('abort', startTimer, { once: true });
  try {
    await Promise.race([delivery, graceIsOver]);
  } finally {
    signal.removeEventListener('abort', startTimer);
    clearTimeout(timer);
  }
}

/** Fields come back as a flat list of strings, in the order in which they were added. */
function byName(fields: string[]): Record<string, string | undefined> {
  const values: Record<string, string> = {};
  for (let at = 0; at < fields.length; at += 2) values[fields[at] ?? ''] = fields[at + 1] ?? '';
  return values;
}

function readNotification(fields: string[]): Notification {
  const { userId = '', type, message = '', timestamp } = byName(fields);
  return { userId, type: type as NotificationType, message, timestamp: Number(timestamp) };
}

/** Why an entry is no notification; undefined when it is one, or is for other channels. */
function whatIsWrong(fields: string[], channel: Channel): string | undefined {
  const { userId, type, message, timestamp } = byName(fields);
  if (type === undefined) return 'no type';
  if (!isKnown(type)) return `no such type: ${type}`;
  if (!ROUTES[type].includes(channel)) return undefined;
  if (userId === undefined) return 'no userId';
  if (message === undefined) return 'no message';
  if (timestamp === undefined) return 'no timestamp';
  if (!/^\d+$/.test(timestamp)) return `timestamp is no whole number from 0 on: ${timestamp}`;
  return undefined;
}

/** Not with `in`, which finds `constructor` too. */
function isKnown(type: string): type is NotificationType {
  return Object.hasOwn(ROUTES, type);
}

/** Whether Redis has answered with this error. */
function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}

/** The stream or the group is gone. Redis 7.0 says UNBLOCKED to a reader that was waiting in it. */
function hasVanished(error: unknown): boolean {
  return isReply(error, 'NOGROUP') || isReply(error, 'UNBLOCKED');
}
