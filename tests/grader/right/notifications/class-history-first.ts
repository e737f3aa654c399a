// A class per channel, own history first, batches of five one after the other, XAUTOCLAIM, abort cuts the blocking read
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
const CHANNELS: readonly Channel[] = ['email', 'sms', 'push'];
const BATCH = 5;
const GRACE_MS = 500;
const MAX_BLOCK_MS = 500;
const WATCH_MS = 400;

/** KEYS: stream. ARGV: group, consumer, id. Starts the idle time again, if the entry is still the consumer's. */
const HOLD = `
local item = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2])[1]
if not item then return 0 end
return #redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'JUSTID')
`;

interface Taken {
  id: string;
  fields: string[] | null;
  takenAt: number;
}

type RawEntry = [string, string[] | null];

function hasCode(error: unknown, ...codes: string[]): boolean {
  if (!(error instanceof Error)) return false;
  return codes.includes(error.message.split(' ', 1)[0] ?? '');
}

export async function sendNotification(redis: Redis, notification: Notification): Promise<string> {
  const id = await redis.xadd(
    STREAM,
    '*',
    'userId',
    notification.userId,
    'type',
    notification.type,
    'message',
    notification.message,
    'timestamp',
    String(notification.timestamp),
  );
  return id!;
}

export async function createGroups(redis: Redis): Promise<void> {
  for (const channel of CHANNELS) await new ChannelGroup(redis, channel).make();
}

/** A channel, as Redis knows it. */
class ChannelGroup {
  readonly redis: Redis;
  readonly channel: Channel;
  readonly name: string;

  constructor(redis: Redis, channel: Channel) {
    this.redis = redis;
    this.channel = channel;
    this.name = `${channel}_notifier_group`;
  }

  async make(): Promise<void> {
    try {
      await this.redis.xgroup('CREATE', STREAM, this.name, '0', 'MKSTREAM');
    } catch (error) {
      if (!hasCode(error, 'BUSYGROUP')) throw error;
    }
  }

  async done(id: string): Promise<void> {
    await this.redis.xack(STREAM, this.name, id);
  }

  async bury(id: string, fields: string[], reason: string): Promise<void> {
    const [raw] = await this.redis.xrangeBuffer(STREAM, id, id);
    const copy: (string | Buffer)[] = raw ? raw[1] : fields;
    await this.redis.xadd(
      DEAD,
      '*',
      ...copy,
      'originalId',
      id,
      'channel',
      this.channel,
      'reason',
      reason,
    );
    await this.done(id);
  }
}

class Notifier {
  readonly group: ChannelGroup;
  readonly redis: Redis;
  readonly name: string;
  readonly deliver: Deliver;
  readonly signal: AbortSignal;
  readonly minIdleMs: number;
  readonly reader: Redis;

  private queue: Taken[] = [];
  /** Where we are in what the name held at the start; undefined: that is done. */
  private history: string | undefined = '0';
  private tried = new Set<string>();
  private cursor = '0-0';
  private sweptAt = -Infinity;
  private closed = false;
  private readonly running = new Set<Promise<void>>();
  private readonly acks = new Set<Promise<void>>();
  private failure: { error: unknown } | undefined;
  private graceEnds = Infinity;
  private readonly stopped: Promise<void>;
  private readonly ended: Promise<void>;
  private watching: Promise<void> = Promise.resolve();
  private readonly onAbort: () => void;

  constructor(
    redis: Redis,
    channel: Channel,
    name: string,
    deliver: Deliver,
    options: NotifierOptions,
  ) {
    this.redis = redis;
    this.group = new ChannelGroup(redis, channel);
    this.name = name;
    this.deliver = deliver;
    this.signal = options.signal;
    this.minIdleMs = Math.max(1, Math.ceil(options.minIdleMs));
    this.reader = redis.duplicate();
    this.reader.on('error', () => {});
    this.ended = new Promise((resolve) => this.reader.once('end', () => resolve()));
    let resolve = (): void => {};
    this.stopped = new Promise((r) => (resolve = r));
    this.onAbort = () => {
      this.graceEnds = performance.now() + GRACE_MS;
      this.reader.disconnect(); // Ends a read that blocks.
      resolve();
    };
    this.signal.addEventListener('abort', this.onAbort, { once: true });
  }

  async run(): Promise<void> {
    const watch = setInterval(() => {
      this.watching = this.group.make().catch(() => {});
    }, WATCH_MS);
    try {
      await this.group.make();
      while (!this.signal.aborted) {
        if (this.failure) throw this.failure.error;
        try {
          await this.step();
        } catch (error) {
          if (this.signal.aborted) break;
          if (!hasCode(error, 'NOGROUP', 'UNBLOCKED')) throw error;
          await this.group.make();
        }
      }
      await this.within(this.graceEnds - performance.now(), Promise.all(this.running));
    } finally {
      this.closed = true;
      this.signal.removeEventListener('abort', this.onAbort);
      clearInterval(watch);
      this.reader.disconnect();
      await Promise.allSettled([...this.acks, this.watching]);
      await this.within(200, this.ended); // Redis hands it nothing any more.
    }
  }

  /** One that is due, if there is one, and one of the queue. */
  private async step(): Promise<void> {
    const due = await this.nextDue();
    if (due) {
      if (this.history !== undefined) this.tried.add(due.id);
      await this.handle(due);
    }
    if (this.signal.aborted) return;
    if (this.queue.length === 0) await this.refill(due === undefined);
    if (this.signal.aborted) return;
    const next = this.queue.shift();
    if (next && (await this.stillOurs(next))) await this.handle(next);
  }

  private async nextDue(): Promise<Taken | undefined> {
    if (performance.now() - this.sweptAt < Math.min(250, this.minIdleMs / 4)) return undefined;
    do {
      const reply = (await this.redis.xautoclaim(
        STREAM,
        this.group.name,
        this.name,
        this.minIdleMs,
        this.cursor,
        'COUNT',
        1,
      )) as [string, RawEntry[]];
      this.cursor = reply[0];
      if (this.cursor === '0-0') this.sweptAt = performance.now();
      const taken = this.taken(reply[1])[0];
      if (taken) {
        // It may wait in the queue as well.
        this.queue = this.queue.filter(({ id }) => id !== taken.id);
        return taken;
      }
    } while (this.cursor !== '0-0' && !this.signal.aborted);
    return undefined;
  }

  private taken(entries: RawEntry[]): Taken[] {
    const takenAt = performance.now();
    return entries.map(([id, fields]) => ({ id, fields, takenAt }));
  }

  private async refill(mayBlock: boolean): Promise<void> {
    if (this.history !== undefined) {
      const old = await this.read(this.history);
      const last = old.at(-1);
      if (last) {
        this.history = last.id;
        this.queue = old.filter(({ id }) => !this.tried.has(id));
        return;
      }
      this.history = undefined;
      this.tried.clear();
    }
    this.queue = await this.read(
      '>',
      mayBlock ? Math.max(1, Math.min(MAX_BLOCK_MS, Math.ceil(this.minIdleMs / 4))) : undefined,
    );
  }

  private async read(from: string, blockMs?: number): Promise<Taken[]> {
    const who = ['GROUP', this.group.name, this.name] as const;
    const reply = (await (blockMs === undefined
      ? this.reader.xreadgroup(...who, 'COUNT', BATCH, 'STREAMS', STREAM, from)
      : this.reader.xreadgroup(
          ...who,
          'COUNT',
          BATCH,
          'BLOCK',
          blockMs,
          'STREAMS',
          STREAM,
          from,
        ))) as [string, RawEntry[]][] | null;
    return this.taken(reply?.[0]?.[1] ?? []);
  }

  /** What has waited for long may belong to somebody else by now. */
  private async stillOurs(taken: Taken): Promise<boolean> {
    if (performance.now() - taken.takenAt < this.minIdleMs / 4) return true;
    const held = await this.redis.eval(HOLD, 1, STREAM, this.group.name, this.name, taken.id);
    return held === 1;
  }

  private async handle({ id, fields }: Taken): Promise<void> {
    if (this.signal.aborted) return;
    if (fields === null) return this.group.done(id);
    const record = Object.fromEntries(
      Array.from({ length: fields.length / 2 }, (_, i) => [fields[2 * i], fields[2 * i + 1]]),
    ) as Record<string, string>;
    const value = (field: string): string | undefined =>
      Object.hasOwn(record, field) ? record[field] : undefined;
    const type = value('type');
    const route =
      type !== undefined && Object.hasOwn(ROUTES, type)
        ? ROUTES[type as NotificationType]
        : undefined;
    if (route && !route.includes(this.group.channel)) return this.group.done(id);
    const userId = value('userId');
    const message = value('message');
    const timestamp = value('timestamp');
    if (
      type === undefined ||
      userId === undefined ||
      message === undefined ||
      timestamp === undefined
    ) {
      return this.group.bury(id, fields, 'a field is missing');
    }
    if (!route) return this.group.bury(id, fields, `there is no type ${type}`);
    if (!/^\d+$/.test(timestamp))
      return this.group.bury(id, fields, `there is no time ${timestamp}`);
    await this.attempt(id, {
      userId,
      type: type as NotificationType,
      message,
      timestamp: Number(timestamp),
    });
  }

  private async attempt(id: string, notification: Notification): Promise<void> {
    const work = this.deliverAndAck(id, notification)
      .catch((error: unknown) => {
        this.failure = { error };
      })
      .finally(() => this.running.delete(work));
    this.running.add(work);
    await this.within(this.minIdleMs, Promise.race([work, this.stopped]));
  }

  private async deliverAndAck(id: string, notification: Notification): Promise<void> {
    try {
      await this.deliver(notification, id);
    } catch {
      return;
    }
    if (this.closed) return;
    const ack = this.group.done(id);
    this.acks.add(ack);
    await ack;
    this.acks.delete(ack);
  }

  private async within(ms: number, work: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.max(0, ms));
    });
    await Promise.race([work, over]);
    clearTimeout(timer);
  }
}

export async function runNotifier(
  redis: Redis,
  channel: Channel,
  name: string,
  deliver: Deliver,
  options: NotifierOptions,
): Promise<void> {
  if (options.signal.aborted) return;
  await new Notifier(redis, channel, name, deliver, options).run();
}
