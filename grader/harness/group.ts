import type { Redis } from 'ioredis';
import { asRecords } from '../../system/redis/xinfo.ts';
import { eventually } from './unmet.ts';

const LONG_IDLE_MS = 600_000;
const ALL = 100_000;

/** A line of XPENDING with a range. */
export interface PendingEntry {
  readonly id: string;
  readonly consumer: string;
}

/** A consumer group as the grader prepares it and looks at it. */
export class Group {
  readonly redis: Redis;
  readonly stream: string;
  readonly name: string;

  constructor(redis: Redis, stream: string, name: string) {
    this.redis = redis;
    this.stream = stream;
    this.name = name;
  }

  /** All that is in the stream now counts as delivered and acknowledged. */
  async skipAll(): Promise<void> {
    await this.redis.xgroup('SETID', this.stream, this.name, '$');
  }

  async create(): Promise<void> {
    await this.redis.xgroup('CREATE', this.stream, this.name, '0', 'MKSTREAM');
  }

  /** Has a consumer read new entries, and do nothing with them. Returns their ids. */
  async leavePending(consumer: string, count: number): Promise<string[]> {
    const group = ['GROUP', this.name, consumer, 'COUNT', count] as const;
    const reply = await this.redis.xreadgroup(...group, 'STREAMS', this.stream, '>');
    return (reply?.[0]?.[1] ?? []).map(([id]) => id);
  }

  /**
   * Makes entries pending, as if nobody had touched them for a while. Those that were acknowledged are pending again: as
   * after a crash between the work and its XACK.
   *
   * @param idleMs ten minutes, if it is not said
   * @param deliveries how often they have been delivered by now
   */
  async makeIdle(
    consumer: string,
    ids: readonly string[],
    { idleMs = LONG_IDLE_MS, deliveries = 1 } = {},
  ): Promise<void> {
    const options = ['IDLE', idleMs, 'RETRYCOUNT', deliveries, 'FORCE', 'JUSTID'] as const;
    await this.redis.xclaim(this.stream, this.name, consumer, 0, ...ids, ...options);
  }

  /** The ids of what the group was not given yet. */
  async unreadIds(): Promise<string[]> {
    const groups = asRecords(await this.redis.xinfo('GROUPS', this.stream));
    const own = groups.find((record) => record.get('name') === this.name);
    const entries = await this.redis.xrange(this.stream, `(${own?.get('last-delivered-id')}`, '+');
    return entries.map(([id]) => id);
  }

  async acknowledge(...ids: string[]): Promise<void> {
    await this.redis.xack(this.stream, this.name, ...ids);
  }

  async pending(): Promise<PendingEntry[]> {
    const range = await this.redis.xpending(this.stream, this.name, '-', '+', ALL);
    return (range as [string, string][]).map(([id, consumer]) => ({ id, consumer }));
  }

  /** What the group knows of one entry; undefined when it is not pending. */
  async pendingEntry(
    id: string,
  ): Promise<{ consumer: string; idleMs: number; deliveries: number } | undefined> {
    const range = await this.redis.xpending(this.stream, this.name, id, id, 1);
    const [entry] = range as [string, string, number, number][];
    if (!entry) return undefined;
    const [, consumer, idleMs, deliveries] = entry;
    return { consumer, idleMs, deliveries };
  }

  async pendingIds(): Promise<string[]> {
    return (await this.pending()).map(({ id }) => id);
  }

  async pendingCount(): Promise<number> {
    const [count] = (await this.redis.xpending(this.stream, this.name)) as [number];
    return count;
  }

  /** Waits until nothing is pending. */
  async allAcknowledged(): Promise<void> {
    let pending = 0;
    const nothingPending = async () => {
      pending = await this.pendingCount();
      return pending === 0;
    };
    await eventually(
      nothingPending,
      {
        expected: `everything that ${this.name} was given to be acknowledged (XACK) in the end`,
        happened: async () => {
          const [first, ...more] = await this.pendingIds();
          if (!first) return 'that came too late';
          return `${first} is still pending${more.length > 0 ? `, and ${more.length} more` : ''}`;
        },
        about: async () => ({ entries: await this.pendingIds(), group: this }),
      },
      () => pending,
    );
  }
}
