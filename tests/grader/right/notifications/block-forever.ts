// Style: BLOCK 0 on a connection of its own; a second loop beside it tries again what has been idle.
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
    const options = [minIdleMs, cursor, 'COUNT', 5] as const;
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
  const reader = redis.duplicate();
  const stop = () => reader.disconnect();
  signal.addEventListener('abort', stop, { once: true });
  const one = async ([id, fields]: Entry) => {
    try {
      const notification = fields && parse(fields, channel);
      if (notification) {
        if (signal.aborted) return;
        await inTime(deliver(notification, id), signal);
      }
    } catch (error) {
      if (!(error instanceof Malformed)) return; // it stays pending
      const why = ['originalId', id, 'channel', channel, 'reason', error.message];
      await redis.xadd('notifications:dead', '*', ...(fields ?? []), ...why);
    }
    await redis.xack(STREAM, groupOf(channel), id);
  };
  /** Again and again until the abort; when stream or group have vanished in between, makes them again. */
  const keepDoing = async (step: () => Promise<unknown>) => {
    while (!signal.aborted) {
      try {
        await step();
      } catch (error) {
        if (signal.aborted) return;
        if (!isGone(error)) throw error;
        await makeGroup(redis, channel);
      }
    }
  };
  const tryAgain = () =>
    keepDoing(async () => {
      for await (const entry of idle(redis, channel, name, minIdleMs)) {
        await one(entry);
        if (signal.aborted) return;
      }
      await sleep(minIdleMs / 2, undefined, { signal }).catch(() => {});
    });
  const work = () =>
    keepDoing(async () => {
      const place = ['COUNT', 1, 'BLOCK', 0, 'STREAMS', STREAM, '>'] as const;
      const reply = await reader.xreadgroup('GROUP', groupOf(channel), name, ...place);
      for (const entry of reply?.[0]?.[1] ?? []) await one(entry);
    });
  try {
    await Promise.all([work(), tryAgain()]);
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
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
