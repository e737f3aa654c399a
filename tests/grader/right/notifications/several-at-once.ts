// Style: up to four deliveries at once, each acknowledged by itself; no more is read than there are hands free.
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

const HANDS = 4;

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
  const hangUp = () => reader.disconnect();
  signal.addEventListener('abort', hangUp, { once: true });

  const busy = new Set<Promise<void>>();
  const begin = (entry: Entry) => {
    const settling = settle(entry)
      .catch((error: unknown) => {
        if (!isGone(error)) console.error(error);
      })
      .finally(() => busy.delete(settling));
    busy.add(settling);
  };
  const settle = async ([id, fields]: Entry) => {
    const notification = fields ? parse(fields, channel) : undefined;
    if (typeof notification === 'string') {
      const why = ['originalId', id, 'channel', channel, 'reason', notification];
      await redis.xadd('notifications:dead', '*', ...(fields ?? []), ...why);
    } else if (notification) {
      if (signal.aborted) return;
      const over = new AbortController();
      try {
        await Promise.race([deliver(notification, id), lastCall(signal, over.signal)]);
      } catch (error) {
        console.error(`${id} waits for another attempt:`, error);
        return;
      } finally {
        over.abort();
      }
    }
    await redis.xack(STREAM, group, id);
  };
  const aHandIsFree = async () => {
    while (busy.size >= HANDS) await Promise.race(busy);
    return HANDS - busy.size;
  };

  let cursor = '0-0';
  let next = 0;
  try {
    while (!signal.aborted) {
      try {
        if (Date.now() >= next) {
          const options = [minIdleMs, cursor, 'COUNT', await aHandIsFree()] as const;
          const page = await redis.xautoclaim(STREAM, group, name, ...options);
          const [after, entries] = page as [string, (Entry | null)[]];
          for (const entry of entries) if (entry) begin(entry);
          cursor = after;
          if (cursor === '0-0') next = Date.now() + minIdleMs / 2;
        }
        const count = await aHandIsFree();
        if (signal.aborted) break;
        const blockMs = Math.ceil(Math.max(1, Math.min(500, next - Date.now())));
        const place = ['COUNT', count, 'BLOCK', blockMs, 'STREAMS', STREAM, '>'] as const;
        const reply = await reader.xreadgroup('GROUP', group, name, ...place);
        for (const entry of reply?.[0]?.[1] ?? []) begin(entry);
      } catch (error) {
        if (signal.aborted) break;
        if (!isGone(error)) throw error;
        await makeGroup(redis, channel);
      }
    }
    await Promise.all(busy);
  } finally {
    signal.removeEventListener('abort', hangUp);
    hangUp();
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
