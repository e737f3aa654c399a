// Batches into two lanes of five concurrent deliveries, XAUTOCLAIM with a cursor, short blocking read
import { setTimeout as sleep } from 'node:timers/promises';
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
/** So many at a time: half of them for what is new, half for what is tried again. */
const LANES = { fresh: 5, retry: 5 };
const GRACE = 500;
const BLOCK = 100;

type Lane = keyof typeof LANES;
type Entry = [id: string, fields: string[] | null];

const GROUPS: Record<Channel, string> = {
  email: 'email_notifier_group',
  sms: 'sms_notifier_group',
  push: 'push_notifier_group',
};

async function ensureGroup(redis: Redis, group: string): Promise<void> {
  await redis.xgroup('CREATE', STREAM, group, 0, 'MKSTREAM').catch((error: Error) => {
    if (!error.message.includes('BUSYGROUP')) throw error;
  });
}

export async function sendNotification(redis: Redis, notification: Notification): Promise<string> {
  const fields: string[] = [];
  for (const [key, value] of Object.entries(notification)) fields.push(key, String(value));
  const id = await redis.xadd(STREAM, '*', ...fields);
  return id as string;
}

export async function createGroups(redis: Redis): Promise<void> {
  await Promise.all(Object.values(GROUPS).map((group) => ensureGroup(redis, group)));
}

class NoNotification extends Error {}

/** The notification; undefined when it is for other channels. */
function parse(channel: Channel, flat: string[]): Notification | undefined {
  const fields = new Map<string, string>();
  for (let i = 0; i < flat.length; i += 2) fields.set(flat[i] as string, flat[i + 1] as string);
  const get = (field: string): string => {
    const value = fields.get(field);
    if (value === undefined) throw new NoNotification(`${field} is missing`);
    return value;
  };
  const type = get('type');
  if (!Object.keys(ROUTES).includes(type)) throw new NoNotification(`type ${type} is unknown`);
  if (!ROUTES[type as NotificationType].includes(channel)) return undefined;
  const timestamp = get('timestamp');
  if (!/^\d+$/.test(timestamp))
    throw new NoNotification(`timestamp ${timestamp} is no whole number`);
  return {
    userId: get('userId'),
    type: type as NotificationType,
    message: get('message'),
    timestamp: Number(timestamp),
  };
}

export async function runNotifier(
  redis: Redis,
  channel: Channel,
  name: string,
  deliver: Deliver,
  options: NotifierOptions,
): Promise<void> {
  const { signal } = options;
  if (signal.aborted) return;
  const group = GROUPS[channel];
  const minIdleMs = Math.max(1, Math.ceil(options.minIdleMs));

  const reader = redis.duplicate();
  reader.on('error', () => undefined);

  let deadline = Infinity;
  let onAbort = (): void => undefined;
  const aborted = new Promise<void>((resolve) => {
    onAbort = () => {
      deadline = Date.now() + GRACE;
      resolve();
    };
  });
  signal.addEventListener('abort', onAbort, { once: true });

  const inFlight = new Set<Promise<void>>();
  const used: Record<Lane, number> = { fresh: 0, retry: 0 };
  let open = true;
  const bad: unknown[] = [];
  const acks: Promise<unknown>[] = [];

  async function finish(notification: Notification, id: string): Promise<void> {
    try {
      await deliver(notification, id);
    } catch {
      return;
    }
    if (!open) return;
    const ack = redis.xack(STREAM, group, id);
    acks.push(ack);
    await ack;
    acks.splice(acks.indexOf(ack), 1);
  }

  function begin(lane: Lane, notification: Notification, id: string): void {
    used[lane]++;
    let freed = false;
    const free = () => {
      if (!freed) used[lane]--;
      freed = true;
    };
    const patience = setTimeout(free, minIdleMs);
    const delivery = finish(notification, id)
      .catch((error: unknown) => {
        bad.push(error);
      })
      .finally(() => {
        clearTimeout(patience);
        free();
        inFlight.delete(delivery);
      });
    inFlight.add(delivery);
  }

  async function dispatch(lane: Lane, entries: Entry[]): Promise<void> {
    for (const [id, flat] of entries) {
      if (signal.aborted) return;
      if (!flat) {
        await redis.xack(STREAM, group, id);
        continue;
      }
      let notification: Notification | undefined;
      try {
        notification = parse(channel, flat);
      } catch (error) {
        const original = await redis.xrangeBuffer(STREAM, id, id);
        const fields = original[0]?.[1] ?? flat;
        await redis.xadd(
          DEAD,
          '*',
          ...fields,
          'originalId',
          id,
          'channel',
          channel,
          'reason',
          (error as Error).message,
        );
        await redis.xack(STREAM, group, id);
        continue;
      }
      if (notification) begin(lane, notification, id);
      else await redis.xack(STREAM, group, id);
    }
  }

  const freeOf = (lane: Lane): number => LANES[lane] - used[lane];

  let cursor = '0-0';
  let sweptAt = 0;
  let more = false;
  const sweepEvery = Math.min(250, minIdleMs / 2);

  /** One round through all that is pending, as far as there is room. */
  async function sweep(): Promise<void> {
    more = true;
    while (!signal.aborted && freeOf('retry') > 0) {
      const reply = (await redis.xautoclaim(
        STREAM,
        group,
        name,
        minIdleMs,
        cursor,
        'COUNT',
        freeOf('retry'),
      )) as [string, Entry[]];
      cursor = reply[0];
      await dispatch('retry', reply[1]);
      if (cursor === '0-0') {
        sweptAt = Date.now();
        more = false;
        return;
      }
    }
  }

  async function read(): Promise<void> {
    const count = freeOf('fresh');
    if (more) await Promise.race([aborted, sleep(5), ...inFlight]);
    if (signal.aborted) return;
    // Redis may take a tenth of a second to notice the end of a BLOCK, however short.
    const reply = (await (more
      ? reader.xreadgroup('GROUP', group, name, 'COUNT', count, 'STREAMS', STREAM, '>')
      : reader.xreadgroup(
          'GROUP',
          group,
          name,
          'COUNT',
          count,
          'BLOCK',
          BLOCK,
          'STREAMS',
          STREAM,
          '>',
        ))) as [string, Entry[]][] | null;
    for (const [, entries] of reply ?? []) await dispatch('fresh', entries);
  }

  try {
    await ensureGroup(redis, group);
    while (!signal.aborted) {
      if (bad.length > 0) throw bad[0];
      try {
        if (Date.now() - sweptAt >= sweepEvery) await sweep();
        if (signal.aborted) break;
        if (freeOf('fresh') > 0) {
          await read();
        } else {
          await Promise.race([aborted, sleep(BLOCK), ...inFlight]);
          await ensureGroup(redis, group);
        }
      } catch (error) {
        const message = (error as Error).message ?? '';
        if (!message.startsWith('NOGROUP') && !message.startsWith('UNBLOCKED')) throw error;
        await ensureGroup(redis, group);
        cursor = '0-0';
      }
    }
    const patience = new AbortController();
    await Promise.race([
      Promise.all(inFlight),
      sleep(Math.max(0, deadline - Date.now()), undefined, { signal: patience.signal }).catch(
        () => undefined,
      ),
    ]);
    patience.abort();
  } finally {
    open = false;
    signal.removeEventListener('abort', onAbort);
    reader.disconnect();
    await Promise.allSettled(acks);
  }
}
