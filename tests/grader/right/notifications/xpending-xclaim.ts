// Plain functions, one at a time: XPENDING IDLE + XCLAIM, a short blocking read on a connection of its own
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
const GRACE_MS = 500;
const BLOCK_MS = 200;
const WATCH_MS = 400;

type Entry = [id: string, fields: string[] | null];

const groupOf = (channel: Channel): string => `${channel}_notifier_group`;

const answered = (error: unknown, code: string): boolean =>
  error instanceof Error && error.message.startsWith(code);

const vanished = (error: unknown): boolean =>
  answered(error, 'NOGROUP') || answered(error, 'UNBLOCKED');

async function makeGroup(redis: Redis, channel: Channel): Promise<void> {
  try {
    await redis.xgroup('CREATE', STREAM, groupOf(channel), '0', 'MKSTREAM');
  } catch (error) {
    if (!answered(error, 'BUSYGROUP')) throw error;
  }
}

export async function sendNotification(redis: Redis, notification: Notification): Promise<string> {
  const { userId, type, message, timestamp } = notification;
  const id = await redis.xadd(
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
  );
  if (id === null) throw new Error('XADD has added nothing');
  return id;
}

export async function createGroups(redis: Redis): Promise<void> {
  for (const channel of ['email', 'sms', 'push'] as const) await makeGroup(redis, channel);
}

type Verdict =
  | { what: 'deliver'; notification: Notification }
  | { what: 'skip' }
  | { what: 'dead'; reason: string };

function judge(channel: Channel, fields: string[]): Verdict {
  const byName = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) byName.set(fields[i]!, fields[i + 1]!);
  const type = byName.get('type');
  if (type === undefined) return { what: 'dead', reason: 'no type' };
  if (!Object.hasOwn(ROUTES, type)) return { what: 'dead', reason: `unknown type ${type}` };
  const known = type as NotificationType;
  if (!ROUTES[known].includes(channel)) return { what: 'skip' };
  const userId = byName.get('userId');
  if (userId === undefined) return { what: 'dead', reason: 'no userId' };
  const message = byName.get('message');
  if (message === undefined) return { what: 'dead', reason: 'no message' };
  const timestamp = byName.get('timestamp');
  if (timestamp === undefined) return { what: 'dead', reason: 'no timestamp' };
  if (!/^[0-9]+$/.test(timestamp)) return { what: 'dead', reason: `bad timestamp ${timestamp}` };
  return {
    what: 'deliver',
    notification: { userId, type: known, message, timestamp: Number(timestamp) },
  };
}

async function bury(redis: Redis, channel: Channel, id: string, reason: string): Promise<void> {
  // Byte for byte: the fields of an entry that nobody understands need not be UTF-8.
  const [entry] = await redis.xrangeBuffer(STREAM, id, id);
  if (entry)
    await redis.xadd(
      DEAD,
      '*',
      ...entry[1],
      'originalId',
      id,
      'channel',
      channel,
      'reason',
      reason,
    );
  await redis.xack(STREAM, groupOf(channel), id);
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
  const group = groupOf(channel);
  const minIdle = Math.max(1, Math.ceil(options.minIdleMs));

  let abortedAt = 0;
  let wake = (): void => {};
  const aborted = new Promise<void>((resolve) => (wake = resolve));
  const onAbort = (): void => {
    abortedAt = performance.now();
    wake();
  };
  signal.addEventListener('abort', onAbort, { once: true });

  const reader = redis.duplicate();
  reader.on('error', () => {});

  const running = new Set<Promise<void>>();
  const acks = new Set<Promise<unknown>>();
  let closed = false;

  /** Until the delivery has ended, hangs, or the notifier is stopped. */
  async function attempt(id: string, notification: Notification): Promise<void> {
    let trouble: { error: unknown } | undefined;
    const work = (async () => {
      try {
        await deliver(notification, id);
      } catch {
        return; // It stays pending.
      }
      if (closed) return;
      const ack = redis.xack(STREAM, group, id);
      acks.add(ack);
      await ack;
    })()
      .catch((error: unknown) => {
        trouble = { error };
      })
      .finally(() => running.delete(work));
    running.add(work);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, minIdle)));
    await Promise.race([work, aborted, patience]);
    clearTimeout(timer);
    if (trouble) throw trouble.error;
  }

  async function handle([id, fields]: Entry): Promise<void> {
    if (fields === null) {
      await redis.xack(STREAM, group, id); // Deleted: there is nothing to deliver.
      return;
    }
    const verdict = judge(channel, fields);
    if (verdict.what === 'deliver') await attempt(id, verdict.notification);
    else if (verdict.what === 'skip') await redis.xack(STREAM, group, id);
    else await bury(redis, channel, id, verdict.reason);
  }

  /** Takes over what has been idle the longest. */
  async function claimOne(): Promise<Entry | undefined> {
    const pending = (await redis.xpending(STREAM, group, 'IDLE', minIdle, '-', '+', 100)) as [
      string,
      string,
      number,
      number,
    ][];
    pending.sort((a, b) => b[2] - a[2]);
    for (const [id] of pending) {
      if (signal.aborted) return undefined;
      const [entry] = (await redis.xclaim(STREAM, group, name, minIdle, id)) as Entry[];
      if (entry) return entry;
    }
    return undefined;
  }

  /** Redis may take a tenth of a second to notice the end of a BLOCK, however short: when there is no time, do not block. */
  async function readOne(mayBlock: boolean): Promise<Entry | undefined> {
    const reply = (await (mayBlock
      ? reader.xreadgroup(
          'GROUP',
          group,
          name,
          'COUNT',
          1,
          'BLOCK',
          BLOCK_MS,
          'STREAMS',
          STREAM,
          '>',
        )
      : reader.xreadgroup('GROUP', group, name, 'COUNT', 1, 'STREAMS', STREAM, '>'))) as
      | [string, Entry[]][]
      | null;
    return reply?.[0]?.[1][0];
  }

  let watching: Promise<void> = Promise.resolve();
  const watch = setInterval(() => {
    watching = makeGroup(redis, channel).catch(() => {});
  }, WATCH_MS);

  try {
    await makeGroup(redis, channel);
    while (!signal.aborted) {
      try {
        const due = await claimOne();
        if (signal.aborted) break;
        if (due) await handle(due);
        if (signal.aborted) break;
        const fresh = await readOne(!due);
        if (signal.aborted) break;
        if (fresh) await handle(fresh);
      } catch (error) {
        if (!vanished(error)) throw error;
        await makeGroup(redis, channel);
      }
    }
    const left = GRACE_MS - (performance.now() - abortedAt);
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => (timer = setTimeout(resolve, Math.max(0, left))));
    await Promise.race([Promise.all(running), grace]);
    clearTimeout(timer);
  } finally {
    closed = true;
    signal.removeEventListener('abort', onAbort);
    clearInterval(watch);
    reader.disconnect();
    await Promise.allSettled([...acks, watching]);
  }
}
