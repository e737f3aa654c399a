import type { Redis } from 'ioredis';
import type { Order } from '../../solutions/01-order-processing/orders.ts';
import type { Trial } from '../harness/trial.ts';
import { eventually } from '../harness/unmet.ts';

export type Orders = typeof import('../../solutions/01-order-processing/orders.ts');

export const STREAM = 'orders:new';
export const GROUP = 'order_processors';
export const NEVER_IDLE_MS = 600_000;

type PendingEntry = [id: string, consumer: string, idleMs: number, deliveries: number];

/** An order that no other order looks like. */
export function makeOrder({ random }: Trial<Orders>, number: number): Order {
  return {
    productId: `tea-${number}`,
    userId: `user-${random.between(1000, 9999)}`,
    quantity: random.between(1, 12),
    timestamp: 1_790_000_000_000 + number * 1000 + random.between(0, 999),
  };
}

/** Orders as somebody else publishes them: the grader does not need the learner's publishOrder. */
export async function addOrders(
  trial: Trial<Orders>,
  count: number,
  first = 1,
): Promise<Map<string, Order>> {
  const orders = Array.from({ length: count }, (_, index) => makeOrder(trial, first + index));
  const pipeline = trial.redis.pipeline();
  for (const order of orders) pipeline.xadd(STREAM, '*', ...Object.entries(order).flat());
  const replies = (await pipeline.exec()) ?? [];
  return new Map(replies.map(([, id], index) => [String(id), orders[index] as Order]));
}

export async function makeGroup({ redis }: Trial<Orders>): Promise<void> {
  await redis.xgroup('CREATE', STREAM, GROUP, '0', 'MKSTREAM');
}

/** Has a consumer read entries, as a worker that dies with them in its hands. */
export async function leavePending(
  redis: Redis,
  consumer: string,
  count: number,
): Promise<string[]> {
  const reply = await redis.xreadgroup(
    'GROUP',
    GROUP,
    consumer,
    'COUNT',
    count,
    'STREAMS',
    STREAM,
    '>',
  );
  return (reply?.[0]?.[1] ?? []).map(([id]) => id);
}

/** Makes pending entries look as if nobody had touched them for ten minutes. */
export async function makeIdle(
  redis: Redis,
  consumer: string,
  ids: readonly string[],
): Promise<void> {
  await redis.xclaim(STREAM, GROUP, consumer, 0, ...ids, 'IDLE', 600_000, 'JUSTID');
}

export async function pendingEntries(redis: Redis): Promise<PendingEntry[]> {
  return (await redis.xpending(STREAM, GROUP, '-', '+', 10_000)) as PendingEntry[];
}

export async function pendingCount(redis: Redis): Promise<number> {
  const [count] = (await redis.xpending(STREAM, GROUP)) as [number];
  return count;
}

/** Waits until every order of the group is acknowledged. */
export async function allAcknowledged(redis: Redis): Promise<void> {
  await eventually(async () => (await pendingCount(redis)) === 0, {
    expected: 'every handled order to be acknowledged (XACK), so that none is pending',
    happened: async () => `${await pendingCount(redis)} orders are still pending`,
  });
}

/** What handlers have been given, by entry id. */
export class Handled {
  readonly calls: { readonly id: string; readonly order: Order; readonly worker: string }[] = [];

  /** A handler for a worker; `work` is what it does with an order. */
  by(worker: string, work: (id: string) => unknown = () => {}) {
    return async (order: Order, id: string): Promise<void> => {
      this.calls.push({ id, order, worker });
      await work(id);
    };
  }

  get ids(): string[] {
    return this.calls.map(({ id }) => id);
  }

  get workers(): string[] {
    return [...new Set(this.calls.map(({ worker }) => worker))].sort();
  }

  times(id: string): number {
    return this.ids.filter((handled) => handled === id).length;
  }

  /** Waits until each of these has been handled at least once. */
  async include(orders: Iterable<string>): Promise<void> {
    const wanted = [...orders];
    const missing = () => {
      const handled = new Set(this.ids);
      return wanted.filter((id) => !handled.has(id));
    };
    await eventually(() => missing().length === 0, {
      expected: `all ${wanted.length} orders to reach a handler`,
      happened: () => {
        const left = missing();
        return `${left.length} never did, for example ${left.slice(0, 3).join(', ')}`;
      },
    });
  }
}
