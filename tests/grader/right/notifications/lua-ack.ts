// Style: what is not ours is acknowledged first, in one go by a script; then ours, one by one.
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

const ACK_ALL = "for _, id in ipairs(ARGV) do redis.call('XACK', KEYS[1], KEYS[2], id) end";

export async function runNotifier(
  redis: Redis,
  channel: Channel,
  name: string,
  deliver: Deliver,
  { signal, minIdleMs }: NotifierOptions,
): Promise<void> {
  await makeGroup(redis, channel);
  const reader = redis.duplicate();
  const sort = async (entries: Entry[]) => {
    const ours = entries.filter(
      ([, fields]) => fields && ROUTES[parse(fields).type].includes(channel),
    );
    const others = entries.filter((entry) => !ours.includes(entry)).map(([id]) => id);
    if (others.length > 0) await redis.eval(ACK_ALL, 2, STREAM, groupOf(channel), ...others);
    for (const [id, fields] of ours) {
      try {
        if (fields) await deliver(parse(fields), id);
        await redis.eval(ACK_ALL, 2, STREAM, groupOf(channel), id);
      } catch (error) {
        console.error(id, error);
      }
    }
  };
  let next = 0;
  while (!signal.aborted) {
    if (Date.now() >= next) {
      for await (const entry of idle(redis, channel, name, minIdleMs)) await sort([entry]);
      next = Date.now() + minIdleMs / 2;
    }
    const reply = await reader.xreadgroup(
      'GROUP',
      groupOf(channel),
      name,
      'COUNT',
      4,
      'BLOCK',
      Math.min(400, Math.ceil(minIdleMs / 2)),
      'STREAMS',
      STREAM,
      '>',
    );
    await sort(reply?.[0]?.[1] ?? []);
  }
  reader.disconnect();
}
