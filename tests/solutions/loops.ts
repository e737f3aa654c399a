import type { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { runWorker } from '../../solutions/01-order-processing/orders.ts';
import { runNotifier } from '../../solutions/02-notifications/notifications.ts';

/** What is done with an entry. */
export type Work = (id: string) => Promise<void>;

/** The loop of a solution, and what it works on. */
export interface Kind {
  readonly what: string;
  readonly stream: string;
  readonly group: string;
  readonly deadLetters: string;
  /** The fields of one that it can read, and of one that it cannot. */
  readonly good: readonly string[];
  readonly bad: readonly string[];
  run(
    redis: Redis,
    name: string,
    work: Work,
    signal: AbortSignal,
    minIdleMs: number,
  ): Promise<void>;
}

const ORDER = ['productId', 'Tea', 'userId', 'user-1', 'timestamp', '1790000000000'];
const NOTIFICATION = ['userId', 'user-1', 'message', 'Hello', 'timestamp', '1790000000000'];

export const ORDERS: Kind = {
  what: 'order worker',
  stream: 'orders:new',
  group: 'order_processors',
  deadLetters: 'orders:dead',
  good: [...ORDER, 'quantity', '2'],
  bad: [...ORDER, 'quantity', 'two'],
  run: (redis, name, work, signal, minIdleMs) =>
    runWorker(redis, name, (_, id) => work(id), { signal, minIdleMs }),
};

export const NOTIFICATIONS: Kind = {
  what: 'notifier',
  stream: 'user:notifications',
  group: 'email_notifier_group',
  deadLetters: 'notifications:dead',
  good: [...NOTIFICATION, 'type', 'product_update'],
  bad: [...NOTIFICATION, 'type', 'constructor'],
  run: (redis, name, work, signal, minIdleMs) =>
    runNotifier(redis, 'email', name, (_, id) => work(id), { signal, minIdleMs }),
};

/** A loop that runs; it is stopped when the test is over. */
export interface Running {
  /** The entries that it has begun, in order. */
  readonly begun: readonly string[];
  stop(): Promise<void>;
}

export interface Options {
  readonly name?: string;
  readonly minIdleMs?: number;
  readonly work?: Work;
}

/** Long enough for nothing to be taken over during a test. */
export const NEVER_IDLE_MS = 600_000;

/** @param redis its caller's connection */
export function start(
  kind: Kind,
  redis: Redis,
  { name = 'alice', minIdleMs = NEVER_IDLE_MS, work = async () => {} }: Options = {},
): Running {
  const begun: string[] = [];
  const abort = new AbortController();
  const note = (id: string) => {
    begun.push(id);
    return work(id);
  };
  const running = kind.run(redis, name, note, abort.signal, minIdleMs);
  running.catch(() => {}); // whoever stops it hears of it
  const stop = () => {
    abort.abort();
    return running;
  };
  onTestFinished(() => stop().catch(() => {}));
  return { begun, stop };
}

/** Adds so many entries that can be read, in one go. */
export async function add(
  { stream, good }: Kind,
  redis: Redis,
  count = 1,
): Promise<readonly string[]> {
  const ids = await Promise.all(
    Array.from({ length: count }, () => redis.xadd(stream, '*', ...good)),
  );
  return ids.map(String);
}

export interface Pending {
  readonly id: string;
  readonly consumer: string;
  readonly idleMs: number;
}

/** What is pending, oldest first. */
export async function pending({ stream, group }: Kind, redis: Redis): Promise<readonly Pending[]> {
  const rows = await redis.xpending(stream, group, '-', '+', 10_000);
  return rows.flatMap((row) => {
    if (!Array.isArray(row)) return [];
    const [id, consumer, idleMs] = row;
    return [{ id: String(id), consumer: String(consumer), idleMs: Number(idleMs) }];
  });
}
