// Style: batches of ten, delivered side by side, one XACK for all that are done; XPENDING and XCLAIM for the rest.
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

type Pending = [id: string, consumer: string, idleMs: number, deliveries: number];

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
  const batch = async (entries: Entry[]) => {
    const over = new AbortController();
    const tooLate = lastCall(signal, over.signal);
    tooLate.catch(() => {}); // also when nobody waits for it
    const outcomes = await Promise.allSettled(
      entries.map(async ([id, fields]) => {
        const notification = fields ? parse(fields, channel) : undefined;
        if (typeof notification === 'string') {
          const letter = [...(fields ?? []), 'originalId', id, 'channel', channel];
          await redis.xadd('notifications:dead', '*', ...letter, 'reason', notification);
        } else if (notification) {
          if (signal.aborted) throw new Error('it stays pending');
          await Promise.race([deliver(notification, id), tooLate]);
        }
        return id;
      }),
    );
    over.abort();
    const done = outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' ? [outcome.value] : [],
    );
    if (done.length > 0) await redis.xack(STREAM, group, ...done);
  };
  const takeOver = async () => {
    for (let start = '-'; !signal.aborted; ) {
      const range = ['IDLE', minIdleMs, start, '+', 10] as const;
      const old = (await redis.xpending(STREAM, group, ...range)) as Pending[];
      const last = old.at(-1);
      if (!last) return;
      const ids = old.map(([id]) => id);
      const claimed = await redis.xclaim(STREAM, group, name, minIdleMs, ...ids);
      await batch((claimed as (Entry | null)[]).filter((entry) => entry !== null));
      start = `(${last[0]}`;
    }
  };
  let looked = 0;
  try {
    while (!signal.aborted) {
      try {
        if (Date.now() - looked > minIdleMs / 2) {
          await takeOver();
          looked = Date.now();
        }
        if (signal.aborted) break;
        const place = ['COUNT', 10, 'BLOCK', 150, 'STREAMS', STREAM, '>'] as const;
        const reply = await reader.xreadgroup('GROUP', group, name, ...place);
        await batch(reply?.[0]?.[1] ?? []);
      } catch (error) {
        if (!(error instanceof Error && /^(NOGROUP|UNBLOCKED)/.test(error.message))) throw error;
        await makeGroup(redis, channel);
      }
    }
  } finally {
    reader.disconnect();
  }
}

/** Rejects half a second after the abort, unless it is over by then. */
async function lastCall(signal: AbortSignal, over: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort', { signal: over });
  await sleep(530, undefined, { signal: over });
  throw new Error('left behind');
}
