// Style: one by one; what is idle is listed with XPENDING, and claimed with XCLAIM when it is its turn.
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

type Pending = [id: string, consumer: string, idleMs: number, deliveries: number];

export async function runNotifier(
  redis: Redis,
  channel: Channel,
  name: string,
  deliver: Deliver,
  { signal, minIdleMs }: NotifierOptions,
): Promise<void> {
  if (signal.aborted) return;
  const group = groupOf(channel);
  await makeGroup(redis, channel);
  const reader = redis.duplicate();
  const hangUp = () => reader.disconnect();
  signal.addEventListener('abort', hangUp);

  const acknowledge = (id: string) => redis.xack(STREAM, group, id);
  const settle = async (id: string, fields: string[]): Promise<unknown> => {
    let notification: Notification | null;
    try {
      notification = parse(fields, channel);
    } catch (error) {
      const why = ['channel', channel, 'originalId', id, 'reason', (error as Error).message];
      await redis.xadd('notifications:dead', '*', ...fields, ...why);
      return await acknowledge(id);
    }
    if (!notification) return await acknowledge(id);
    if (signal.aborted) return;
    try {
      await inTime(deliver(notification, id), signal);
    } catch {
      return; // until it has been idle for long enough
    }
    return await acknowledge(id);
  };
  const retry = async () => {
    const range = ['IDLE', minIdleMs, '-', '+', 1000] as const;
    const idle = (await redis.xpending(STREAM, group, ...range)) as Pending[];
    for (const [id] of idle) {
      if (signal.aborted) return;
      const [entry] = (await redis.xclaim(STREAM, group, name, minIdleMs, id)) as (Entry | null)[];
      if (entry?.[1]) await settle(id, entry[1]);
      // What was deleted from the stream, XCLAIM takes off the list.
    }
  };

  let next = 0;
  try {
    while (!signal.aborted) {
      try {
        if (Date.now() >= next) {
          await retry();
          next = Date.now() + minIdleMs / 2;
        }
        if (signal.aborted) break;
        const blockMs = Math.ceil(Math.max(1, Math.min(800, next - Date.now())));
        const place = ['COUNT', 1, 'BLOCK', blockMs, 'STREAMS', STREAM, '>'] as const;
        const reply = await reader.xreadgroup('GROUP', group, name, ...place);
        for (const [id, fields] of reply?.[0]?.[1] ?? []) await settle(id, fields ?? []);
      } catch (error) {
        if (signal.aborted) break;
        if (!isGone(error)) throw error;
        await makeGroup(redis, channel);
      }
    }
  } finally {
    signal.removeEventListener('abort', hangUp);
    hangUp();
  }
}

const isGone = (error: unknown) =>
  error instanceof Error && /^(NOGROUP|UNBLOCKED)/.test(error.message);

/** Waits for a delivery, and at most for half a second after the abort. */
async function inTime(delivery: Promise<void>, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort = () => {};
  const tooLate = new Promise<never>((_, reject) => {
    onAbort = () => {
      timer = setTimeout(() => reject(new Error('too late')), 550);
    };
  });
  signal.addEventListener('abort', onAbort);
  try {
    await Promise.race([delivery, tooLate]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }
}
