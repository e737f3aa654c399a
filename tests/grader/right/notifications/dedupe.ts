// Style: one by one; after a delivery, its id is noted in the same MULTI that acknowledges it.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
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
type Entry = [id: string, fields: string[] | null];

const STREAM = 'user:notifications';
const groupOf = (channel: Channel) => `${channel}_notifier_group`;

export async function sendNotification(redis: Redis, notification: Notification): Promise<string> {
  const { userId, type, message, timestamp } = notification;
  return String(
    await redis.xadd(
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
    ),
  );
}

export async function createGroups(redis: Redis): Promise<void> {
  await Promise.all(
    (['email', 'sms', 'push'] as const).map((channel) => makeGroup(redis, channel)),
  );
}

async function makeGroup(redis: Redis, channel: Channel): Promise<void> {
  await redis.xgroup('CREATE', STREAM, groupOf(channel), '0', 'MKSTREAM').catch((error: Error) => {
    if (!error.message.startsWith('BUSYGROUP')) throw error;
  });
}

class Malformed extends Error {}

/** What is to be delivered, or null when it is for others. Throws when it is neither. */
function parse(fields: string[], channel: Channel): Notification | null {
  const map = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) map.set(fields[i] ?? '', fields[i + 1] ?? '');
  const text = (name: string): string => {
    const value = map.get(name);
    if (value === undefined) throw new Malformed(`${name} is missing`);
    return value;
  };
  const type = text('type');
  if (!Object.keys(ROUTES).includes(type)) throw new Malformed(`nobody knows the type ${type}`);
  if (!ROUTES[type as NotificationType].includes(channel)) return null;
  const timestamp = text('timestamp') === '' ? Number.NaN : Number(text('timestamp'));
  if (!Number.isInteger(timestamp) || timestamp < 0) throw new Malformed('not a time');
  return {
    userId: text('userId'),
    type: type as NotificationType,
    message: text('message'),
    timestamp,
  };
}

async function* idle(
  redis: Redis,
  channel: Channel,
  name: string,
  minIdleMs: number,
): AsyncGenerator<Entry> {
  let cursor = '0-0';
  do {
    const options = [minIdleMs, cursor, 'COUNT', 1] as const;
    const page = await redis.xautoclaim(STREAM, groupOf(channel), name, ...options);
    const [next, entries] = page as [string, (Entry | null)[]];
    for (const entry of entries) if (entry) yield entry;
    cursor = next;
  } while (cursor !== '0-0');
}

export async function runNotifier(
  redis: Redis,
  channel: Channel,
  name: string,
  deliver: Deliver,
  { signal, minIdleMs }: NotifierOptions,
): Promise<void> {
  if (signal.aborted) return;
  await makeGroup(redis, channel);
  const group = groupOf(channel);
  const reader = redis.duplicate();
  const stop = () => reader.disconnect();
  signal.addEventListener('abort', stop);
  const one = async ([id, fields]: Entry) => {
    const sent = `sent:${channel}:${id}`;
    let notification: Notification | null;
    try {
      notification = fields && parse(fields, channel);
    } catch (error) {
      const why = ['originalId', id, 'channel', channel, 'reason', String(error)];
      await redis
        .multi()
        .xadd('notifications:dead', '*', ...(fields ?? []), ...why)
        .xack(STREAM, group, id)
        .exec();
      return;
    }
    if (!notification || (await redis.exists(sent))) {
      await redis.xack(STREAM, group, id);
      return;
    }
    if (signal.aborted) return;
    const over = new AbortController();
    try {
      await Promise.race([deliver(notification, id), lastCall(signal, over.signal)]);
    } catch {
      return;
    } finally {
      over.abort();
    }
    await redis.multi().set(sent, name, 'EX', 86_400).xack(STREAM, group, id).exec();
  };
  let next = 0;
  try {
    while (!signal.aborted) {
      try {
        if (Date.now() > next) {
          for await (const entry of idle(redis, channel, name, minIdleMs)) {
            await one(entry);
            if (signal.aborted) break;
          }
          next = Date.now() + minIdleMs / 2;
        }
        if (signal.aborted) break;
        const blockMs = Math.ceil(Math.min(minIdleMs / 2, 5000));
        const place = ['COUNT', 1, 'BLOCK', blockMs, 'STREAMS', STREAM, '>'] as const;
        const reply = await reader.xreadgroup('GROUP', group, name, ...place);
        for (const entry of reply?.[0]?.[1] ?? []) await one(entry);
      } catch (error) {
        if (signal.aborted) break;
        if (!isGone(error)) throw error;
        await makeGroup(redis, channel);
      }
    }
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

const isGone = (error: unknown) =>
  error instanceof Error && /^(NOGROUP|UNBLOCKED)/.test(error.message);

/** Rejects half a second after the abort, unless it is over by then. */
async function lastCall(signal: AbortSignal, over: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort', { signal: over });
  await sleep(530, undefined, { signal: over });
  throw new Error('left behind');
}
