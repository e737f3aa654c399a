// Style: what is not ours is acknowledged first, in one go by a script; then ours, one by one.
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
    const options = [minIdleMs, cursor, 'COUNT', 1] as const;
    const page = await redis.xautoclaim(STREAM, groupOf(channel), name, ...options);
    const [next, entries] = page as [string, (Entry | null)[]];
    for (const entry of entries) if (entry) yield entry;
    cursor = next;
  } while (cursor !== '0-0');
}

const ACK_ALL = "for _, id in ipairs(ARGV) do redis.call('XACK', KEYS[1], KEYS[2], id) end";
const BURY = `
  redis.call('XADD', KEYS[3], '*', 'originalId', ARGV[1], unpack(ARGV, 2))
  redis.call('XACK', KEYS[1], KEYS[2], ARGV[1])
`;

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
  const sort = async (entries: Entry[]) => {
    const read = entries.map(([id, fields]) => {
      return { id, fields, what: fields ? parse(fields, channel) : undefined };
    });
    const others = read.flatMap(({ id, what }) => (what === undefined ? [id] : []));
    if (others.length > 0) await redis.eval(ACK_ALL, 2, STREAM, group, ...others);
    for (const { id, fields, what } of read) {
      if (typeof what === 'string') {
        const letter = [...(fields ?? []), 'channel', channel, 'reason', what];
        await redis.eval(BURY, 3, STREAM, group, 'notifications:dead', id, ...letter);
      }
    }
    for (const { id, what } of read) {
      if (typeof what !== 'object') continue;
      if (signal.aborted) return;
      try {
        await inTime(deliver(what, id), signal);
      } catch (error) {
        console.error(id, error);
        continue;
      }
      await redis.eval(ACK_ALL, 2, STREAM, group, id);
    }
  };
  const round = async () => {
    if (Date.now() >= next) {
      for await (const entry of idle(redis, channel, name, minIdleMs)) {
        await sort([entry]);
        if (signal.aborted) return;
      }
      next = Date.now() + minIdleMs / 2;
    }
    if (signal.aborted) return;
    const blockMs = Math.min(400, Math.ceil(minIdleMs / 2));
    const place = ['COUNT', 4, 'BLOCK', blockMs, 'STREAMS', STREAM, '>'] as const;
    const reply = await reader.xreadgroup('GROUP', group, name, ...place);
    await sort(reply?.[0]?.[1] ?? []);
  };
  let next = 0;
  try {
    while (!signal.aborted) {
      await round().catch(async (error: unknown) => {
        if (!isGone(error)) throw error;
        await makeGroup(redis, channel);
      });
    }
  } finally {
    reader.disconnect();
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
