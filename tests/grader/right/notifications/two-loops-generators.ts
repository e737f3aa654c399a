// Two loops over async generators, one for new ones and one for what is idle, and a guard for the group
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';

export type NotificationType = 'new_follower' | 'product_update' | 'security_alert';

export interface Notification {
  userId: string;
  type: NotificationType;
  message: string;
  /** Milliseconds since 1970. */
  timestamp: number;
}

export type Channel = 'email' | 'sms' | 'push';

/** Hands a notification to a provider, here to the grader. It may fail in any way, or take long; `id` is the entry's id. */
export type Deliver = (notification: Notification, id: string) => Promise<void>;

export interface NotifierOptions {
  /**
   * The notifier returns within a second of its abort. The delivery in hand has half a second to be finished; one that takes
   * longer stays pending. It may be aborted before the call.
   */
  signal: AbortSignal;
  /**
   * A notification that nobody has touched for so long has been left behind, or its delivery failed. Look for such
   * notifications at least as often.
   */
  minIdleMs: number;
}

/** Which channels a notification goes to. This is how a channel knows what is its own. */
export const ROUTES: Record<NotificationType, Channel[]> = {
  new_follower: ['email', 'push'],
  product_update: ['email'],
  security_alert: ['email', 'sms', 'push'],
};

const STREAM = 'user:notifications';
const DEAD = 'notifications:dead';

type Entry = readonly [id: string, fields: string[] | null];

const groupName = (channel: Channel) => `${channel}_notifier_group` as const;

const codeOf = (error: unknown): string =>
  error instanceof Error ? (error.message.split(' ')[0] ?? '') : '';

const createGroup = async (redis: Redis, group: string): Promise<void> => {
  try {
    await redis.xgroup('CREATE', STREAM, group, '0-0', 'MKSTREAM');
  } catch (error) {
    if (codeOf(error) !== 'BUSYGROUP') throw error;
  }
};

export async function sendNotification(
  redis: Redis,
  { userId, type, message, timestamp }: Notification,
): Promise<string> {
  const id = await redis.xadd(
    STREAM,
    '*',
    'type',
    type,
    'userId',
    userId,
    'timestamp',
    timestamp,
    'message',
    message,
  );
  return String(id);
}

export async function createGroups(redis: Redis): Promise<void> {
  const channels: Channel[] = ['email', 'sms', 'push'];
  const made = await Promise.allSettled(
    channels.map((channel) => createGroup(redis, groupName(channel))),
  );
  for (const result of made) if (result.status === 'rejected') throw result.reason;
}

const isType = (type: string): type is NotificationType => Object.hasOwn(ROUTES, type);

type Parsed = { forUs: false } | { forUs: true; notification: Notification } | { reason: string };

const parse = (channel: Channel, fields: string[]): Parsed => {
  const at = (name: string): string | undefined => {
    let found: string | undefined;
    for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === name) found = fields[i + 1];
    return found;
  };
  const [userId, type, message, timestamp] = [
    at('userId'),
    at('type'),
    at('message'),
    at('timestamp'),
  ];
  if (type === undefined) return { reason: 'type is missing' };
  if (!isType(type)) return { reason: `type is ${JSON.stringify(type)}` };
  if (!ROUTES[type].includes(channel)) return { forUs: false };
  if (userId === undefined) return { reason: 'userId is missing' };
  if (message === undefined) return { reason: 'message is missing' };
  if (timestamp === undefined) return { reason: 'timestamp is missing' };
  if (!/^\d+$/.test(timestamp)) return { reason: `timestamp is ${JSON.stringify(timestamp)}` };
  return { forUs: true, notification: { userId, type, message, timestamp: Number(timestamp) } };
};

export async function runNotifier(
  redis: Redis,
  channel: Channel,
  name: string,
  deliver: Deliver,
  options: NotifierOptions,
): Promise<void> {
  if (options.signal.aborted) return;
  const group = groupName(channel);
  const minIdle = Math.max(1, Math.ceil(options.minIdleMs));

  // Ours: aborted with the caller's, or when one of the loops breaks down.
  const ours = new AbortController();
  const stop = ours.signal;
  let stoppedAt = 0;
  const reader = redis.duplicate();
  reader.on('error', () => {});
  const ended = new Promise<void>((resolve) => reader.once('end', () => resolve()));
  stop.addEventListener('abort', () => {
    stoppedAt = Date.now();
    reader.disconnect();
  });
  const onAbort = () => ours.abort();
  options.signal.addEventListener('abort', onAbort, { once: true });

  const pause = (ms: number): Promise<void> =>
    delay(ms, undefined, { signal: stop }).catch(() => {});

  const deliveries = new Set<Promise<void>>();
  const acks = new Set<Promise<number>>();
  let left = false;
  let broken: { error: unknown } | undefined;
  const breakDown = (error: unknown): void => {
    broken ??= { error };
    ours.abort();
  };

  const tryDelivery = async (notification: Notification, id: string): Promise<void> => {
    const outcome = (async () => {
      try {
        await deliver(notification, id);
        return true;
      } catch {
        return false;
      }
    })();
    const delivery = outcome.then(async (delivered) => {
      if (!delivered || left) return;
      const ack = redis.xack(STREAM, group, id);
      acks.add(ack);
      try {
        await ack;
      } finally {
        acks.delete(ack);
      }
    });
    const tracked: Promise<void> = delivery
      .catch(breakDown)
      .finally(() => deliveries.delete(tracked));
    deliveries.add(tracked);
    // No longer than the hold is ours: a delivery that hangs is tried again.
    const patience = new AbortController();
    const over = delay(minIdle, undefined, {
      signal: AbortSignal.any([patience.signal, stop]),
    }).catch(() => {});
    await Promise.race([tracked, over]);
    patience.abort();
  };

  const process = async ([id, fields]: Entry): Promise<void> => {
    const parsed = fields === null ? ({ forUs: false } as const) : parse(channel, fields);
    if ('reason' in parsed) {
      const [whole] = await redis.xrangeBuffer(STREAM, id, id);
      await redis.xadd(
        DEAD,
        '*',
        ...(whole?.[1] ?? fields ?? []),
        'originalId',
        id,
        'channel',
        channel,
        'reason',
        parsed.reason,
      );
      await redis.xack(STREAM, group, id);
    } else if (parsed.forUs) {
      await tryDelivery(parsed.notification, id);
    } else {
      await redis.xack(STREAM, group, id);
    }
  };

  async function* fresh(): AsyncGenerator<Entry> {
    while (!stop.aborted) {
      const reply = (await reader.xreadgroup(
        'GROUP',
        group,
        name,
        'COUNT',
        1,
        'BLOCK',
        2000,
        'STREAMS',
        STREAM,
        '>',
      )) as [string, Entry[]][] | null;
      for (const [, entries] of reply ?? []) yield* entries;
    }
  }

  async function* abandoned(): AsyncGenerator<Entry> {
    let cursor = '0-0';
    while (!stop.aborted) {
      const [next, entries] = (await redis.xautoclaim(
        STREAM,
        group,
        name,
        minIdle,
        cursor,
        'COUNT',
        1,
      )) as [string, Entry[]];
      cursor = next;
      yield* entries;
      if (cursor === '0-0') await pause(Math.min(200, minIdle / 2));
    }
  }

  /** Makes what it needs, and begins again, as often as that vanishes. */
  const loop = async (source: () => AsyncGenerator<Entry>): Promise<void> => {
    while (!stop.aborted) {
      try {
        for await (const entry of source()) {
          if (stop.aborted) return;
          await process(entry);
        }
      } catch (error) {
        if (stop.aborted) return;
        if (codeOf(error) !== 'NOGROUP' && codeOf(error) !== 'UNBLOCKED') throw error;
        await createGroup(redis, group);
      }
    }
  };

  const guard = async (): Promise<void> => {
    while (!stop.aborted) {
      await pause(400);
      if (!stop.aborted) await createGroup(redis, group);
    }
  };

  try {
    await createGroup(redis, group);
    await Promise.all([loop(fresh), loop(abandoned), guard()].map((one) => one.catch(breakDown)));
    const patience = new AbortController();
    const grace = delay(Math.max(0, stoppedAt + 500 - Date.now()), undefined, {
      signal: patience.signal,
    }).catch(() => {});
    await Promise.race([Promise.all(deliveries), grace]);
    patience.abort();
    if (broken) throw (broken as { error: unknown }).error;
  } finally {
    left = true;
    options.signal.removeEventListener('abort', onAbort);
    reader.disconnect();
    await Promise.allSettled(acks);
    await Promise.race([ended, delay(200)]);
  }
}
