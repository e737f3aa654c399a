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

class Notifier {
  readonly #reader: Connection;
  readonly #redis: Redis;
  readonly #channel: Channel;
  readonly #name: string;
  readonly #deliver: Deliver;

  constructor(redis: Redis, channel: Channel, name: string, deliver: Deliver) {
    this.#redis = redis;
    this.#reader = new Connection({ ...redis.options });
    this.#channel = channel;
    this.#name = name;
    this.#deliver = deliver;
  }

  async run({ signal, minIdleMs }: NotifierOptions): Promise<void> {
    await makeGroup(this.#redis, this.#channel);
    let cursor = '0-0';
    let next = 0;
    while (!signal.aborted) {
      // One page of idle entries in each round, so that new ones never wait for long.
      if (cursor !== '0-0' || Date.now() >= next) {
        cursor = await this.#takeOver(cursor, minIdleMs);
        next = Date.now() + minIdleMs / 2;
      }
      const reply = await this.#reader.xreadgroup(
        'GROUP',
        groupOf(this.#channel),
        this.#name,
        'COUNT',
        2,
        'BLOCK',
        100,
        'STREAMS',
        STREAM,
        '>',
      );
      for (const [, entries] of reply ?? []) for (const entry of entries) await this.#settle(entry);
    }
    await this.#reader.quit();
  }

  async #takeOver(cursor: string, minIdleMs: number): Promise<string> {
    const page = await this.#redis.xautoclaim(
      STREAM,
      groupOf(this.#channel),
      this.#name,
      minIdleMs,
      cursor,
      'COUNT',
      10,
    );
    const [next, entries] = page as [string, (Entry | null)[]];
    for (const entry of entries) if (entry) await this.#settle(entry);
    return next;
  }

  async #settle([id, fields]: Entry): Promise<void> {
    const notification = fields ? parse(fields) : undefined;
    const ours = notification && ROUTES[notification.type].includes(this.#channel);
    const delivered =
      !ours ||
      (await this.#deliver(notification, id).then(
        () => true,
        () => false,
      ));
    if (delivered) await this.#redis.xack(STREAM, groupOf(this.#channel), id);
  }
}

export async function runNotifier(
  redis: Redis,
  channel: Channel,
  name: string,
  deliver: Deliver,
  options: NotifierOptions,
): Promise<void> {
  await new Notifier(redis, channel, name, deliver).run(options);
}
