// Style: one by one; after a delivery, its id is noted in the same MULTI that acknowledges it.
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

function parse(fields: string[]): Notification {
  const map = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) map.set(fields[i] ?? '', fields[i + 1] ?? '');
  return {
    userId: map.get('userId') ?? '',
    type: map.get('type') as NotificationType,
    message: map.get('message') ?? '',
    timestamp: Number(map.get('timestamp')),
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
    const page = await redis.xautoclaim(
      STREAM,
      groupOf(channel),
      name,
      minIdleMs,
      cursor,
      'COUNT',
      5,
    );
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
  await makeGroup(redis, channel);
  const reader = redis.duplicate();
  const stop = () => reader.disconnect();
  signal.addEventListener('abort', stop);
  const one = async ([id, fields]: Entry) => {
    const sent = `sent:${channel}:${id}`;
    const notification = fields && parse(fields);
    const isOurs = notification && ROUTES[notification.type].includes(channel);
    if (isOurs && !(await redis.exists(sent))) {
      try {
        await deliver(notification, id);
      } catch {
        return;
      }
      await redis.multi().set(sent, name, 'EX', 86_400).xack(STREAM, groupOf(channel), id).exec();
    } else {
      await redis.xack(STREAM, groupOf(channel), id);
    }
  };
  let next = 0;
  while (!signal.aborted) {
    if (Date.now() > next) {
      for await (const entry of idle(redis, channel, name, minIdleMs)) await one(entry);
      next = Date.now() + minIdleMs / 2;
    }
    const reply = await reader
      .xreadgroup(
        'GROUP',
        groupOf(channel),
        name,
        'COUNT',
        1,
        'BLOCK',
        Math.min(minIdleMs, 5000),
        'STREAMS',
        STREAM,
        '>',
      )
      .catch((error: unknown) => {
        if (signal.aborted) return null;
        throw error;
      });
    for (const entry of reply?.[0]?.[1] ?? []) await one(entry);
  }
  signal.removeEventListener('abort', stop);
  stop();
}
