// Style: no BLOCK at all, on the connection that was given: short pauses, which an abort cuts short.
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

/** What is to be delivered; nothing, when it is for others; or what is wrong with it. */
function parse(fields: string[], channel: Channel): Notification | string | undefined {
  const map = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) map.set(fields[i] ?? '', fields[i + 1] ?? '');
  const type = map.get('type');
  const route = Object.entries(ROUTES).find(([name]) => name === type)?.[1];
  if (!route) return `no such type: ${type}`;
  if (!route.includes(channel)) return undefined;
  const [userId, message, timestamp] = ['userId', 'message', 'timestamp'].map((n) => map.get(n));
  if (userId === undefined) return 'no userId';
  if (message === undefined) return 'no message';
  if (!/^[0-9]+$/.test(timestamp ?? '')) return `no such timestamp: ${timestamp}`;
  return { userId, type: type as NotificationType, message, timestamp: Number(timestamp) };
}

async function* idle(
  redis: Redis,
  channel: Channel,
  name: string,
  minIdleMs: number,
): AsyncGenerator<Entry> {
  let cursor = '0-0';
  do {
    const options = [minIdleMs, cursor, 'COUNT', 3] as const;
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
  /** Half a second after the abort. */
  const late = new Promise<'late'>((resolve) => {
    signal.addEventListener('abort', () => setTimeout(resolve, 560, 'late').unref(), {
      once: true,
    });
  });
  const one = async ([id, fields]: Entry): Promise<void> => {
    const notification = fields ? parse(fields, channel) : undefined;
    if (typeof notification === 'string') {
      const why = ['originalId', id, 'channel', channel, 'reason', notification];
      await redis.xadd('notifications:dead', '*', ...(fields ?? []), ...why);
    } else if (notification) {
      if (signal.aborted) return;
      const outcome = await Promise.race([
        (async () => await deliver(notification, id))().catch(() => 'failed' as const),
        late,
      ]);
      if (outcome === 'failed' || outcome === 'late') return;
    }
    await redis.xack(STREAM, groupOf(channel), id);
  };
  let next = 0;
  let hasGroup = false;
  while (!signal.aborted) {
    try {
      if (!hasGroup) await makeGroup(redis, channel);
      hasGroup = true;
      if (Date.now() >= next) {
        for await (const entry of idle(redis, channel, name, minIdleMs)) {
          await one(entry);
          if (signal.aborted) return;
        }
        next = Date.now() + minIdleMs / 4;
      }
      if (signal.aborted) return;
      const place = ['COUNT', 3, 'STREAMS', STREAM, '>'] as const;
      const reply = await redis.xreadgroup('GROUP', groupOf(channel), name, ...place);
      const entries = reply?.[0]?.[1] ?? [];
      for (const entry of entries) await one(entry);
      if (entries.length === 0) await sleep(25, undefined, { signal }).catch(() => {});
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOGROUP'))) throw error;
      hasGroup = false;
    }
  }
}
