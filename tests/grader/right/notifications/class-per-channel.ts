// Style: a class for a channel's worker, which opens its connection by itself.

import type { Redis } from 'ioredis';
import { Redis as Connection } from 'ioredis';

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

class Notifier {
  readonly #reader: Connection;
  readonly #redis: Redis;
  readonly #channel: Channel;
  readonly #name: string;
  readonly #deliver: Deliver;
  readonly #signal: AbortSignal;

  constructor(redis: Redis, channel: Channel, name: string, deliver: Deliver, signal: AbortSignal) {
    this.#redis = redis;
    this.#reader = new Connection({ ...redis.options });
    this.#channel = channel;
    this.#name = name;
    this.#deliver = deliver;
    this.#signal = signal;
  }

  async run(minIdleMs: number): Promise<void> {
    let hasGroup = false;
    let cursor = '0-0';
    let next = 0;
    try {
      while (!this.#signal.aborted) {
        try {
          if (!hasGroup) await makeGroup(this.#redis, this.#channel);
          hasGroup = true;
          // One page of idle entries in each round, so that new ones never wait for long.
          if (cursor !== '0-0' || Date.now() >= next) {
            cursor = await this.#takeOver(cursor, minIdleMs);
            if (cursor === '0-0') next = Date.now() + minIdleMs / 2;
          }
          await this.#readNew(cursor === '0-0' ? 100 : 1);
        } catch (error) {
          const code = error instanceof Error ? error.message.split(' ')[0] : '';
          if (code !== 'NOGROUP' && code !== 'UNBLOCKED') throw error;
          hasGroup = false;
        }
      }
    } finally {
      await this.#reader.quit();
    }
  }

  async #readNew(blockMs: number): Promise<void> {
    if (this.#signal.aborted) return;
    const place = ['COUNT', 2, 'BLOCK', blockMs, 'STREAMS', STREAM, '>'] as const;
    const group = groupOf(this.#channel);
    const reply = await this.#reader.xreadgroup('GROUP', group, this.#name, ...place);
    for (const [, entries] of reply ?? []) for (const entry of entries) await this.#settle(entry);
  }

  async #takeOver(cursor: string, minIdleMs: number): Promise<string> {
    const options = [minIdleMs, cursor, 'COUNT', 5] as const;
    const group = groupOf(this.#channel);
    const page = await this.#redis.xautoclaim(STREAM, group, this.#name, ...options);
    const [next, entries] = page as [string, (Entry | null)[]];
    for (const entry of entries) if (entry) await this.#settle(entry);
    return next;
  }

  async #settle([id, fields]: Entry): Promise<void> {
    const notification = fields ? parse(fields, this.#channel) : undefined;
    if (typeof notification === 'string') {
      const why = ['reason', notification, 'channel', this.#channel, 'originalId', id];
      await this.#redis.xadd('notifications:dead', '*', ...(fields ?? []), ...why);
    } else if (notification) {
      if (this.#signal.aborted) return;
      const delivered = await this.#patiently(async () => await this.#deliver(notification, id));
      if (!delivered) return;
    }
    await this.#redis.xack(STREAM, groupOf(this.#channel), id);
  }

  /** Whether it has succeeded; what still runs half a second after the abort has not. */
  #patiently(delivery: () => Promise<void>): Promise<boolean> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const onAbort = () => {
        timer = setTimeout(resolve, 540, false);
      };
      const end = (delivered: boolean) => {
        clearTimeout(timer);
        this.#signal.removeEventListener('abort', onAbort);
        resolve(delivered);
      };
      this.#signal.addEventListener('abort', onAbort);
      delivery().then(
        () => end(true),
        () => end(false),
      );
    });
  }
}

export async function runNotifier(
  redis: Redis,
  channel: Channel,
  name: string,
  deliver: Deliver,
  { signal, minIdleMs }: NotifierOptions,
): Promise<void> {
  if (signal.aborted) return;
  await new Notifier(redis, channel, name, deliver, signal).run(minIdleMs);
}
