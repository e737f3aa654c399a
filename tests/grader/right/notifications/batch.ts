// Style: batches of ten, delivered side by side, one XACK for all that are done; XPENDING and XCLAIM for the rest.
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

type Pending = [id: string, consumer: string, idleMs: number, deliveries: number];

export async function runNotifier(
  redis: Redis,
  channel: Channel,
  name: string,
  deliver: Deliver,
  { signal, minIdleMs }: NotifierOptions,
): Promise<void> {
  await makeGroup(redis, channel);
  const group = groupOf(channel);
  const reader = redis.duplicate();
  const batch = async (entries: Entry[]) => {
    const outcomes = await Promise.allSettled(
      entries.map(async ([id, fields]) => {
        const notification = fields && parse(fields);
        if (notification && ROUTES[notification.type].includes(channel))
          await deliver(notification, id);
        return id;
      }),
    );
    const done = outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' ? [outcome.value] : [],
    );
    if (done.length > 0) await redis.xack(STREAM, group, ...done);
  };
  const takeOver = async () => {
    const old = (await redis.xpending(STREAM, group, 'IDLE', minIdleMs, '-', '+', 30)) as Pending[];
    if (old.length === 0) return;
    const ids = old.map(([id]) => id);
    await batch(
      ((await redis.xclaim(STREAM, group, name, minIdleMs, ...ids)) as (Entry | null)[]).filter(
        (entry) => entry !== null,
      ),
    );
  };
  let looked = 0;
  while (!signal.aborted) {
    if (Date.now() - looked > minIdleMs / 2) {
      await takeOver();
      looked = Date.now();
    }
    const reply = await reader.xreadgroup(
      'GROUP',
      group,
      name,
      'COUNT',
      10,
      'BLOCK',
      150,
      'STREAMS',
      STREAM,
      '>',
    );
    await batch(reply?.[0]?.[1] ?? []);
  }
  reader.disconnect();
}
