import { throwAtOnce } from '../harness/failures.ts';
import { Group } from '../harness/group.ts';
import { Handled } from '../harness/handled.ts';
import { type Spoilt, spoilt } from '../harness/spoilt.ts';
import type { Trial } from '../harness/trial.ts';
import type { WorkQueue } from '../harness/work-queue.ts';
import type { Order } from './starter.ts';

export type Orders = typeof import('./starter.ts');
export type OrderTrial = Trial<Orders>;

export const STREAM = 'orders:new';
export const GROUP = 'order_processors';
export const DEAD_LETTERS = 'orders:dead';
/** The fields of an order of which nothing is known but that it is one. */
export const SOME_ORDER = [
  ...['productId', 'Tea', 'userId', 'User-1'],
  ...['quantity', '1', 'timestamp', '1790000000000'],
] as const;

/** Others add fields of their own. */
const EXTRA = { priority: 'quantity', giftNote: '' };

/** Orders as clocks and customers make them: not in the order of their timestamps, and now and then one comes twice. */
export function makeOrders({ random }: OrderTrial, count: number, first = 1): Order[] {
  const orders = Array.from({ length: count }, (_, index) => ({
    // What a field means says its name, and not its place, nor a value that looks like a name.
    productId: index % 7 === 4 ? 'userId' : `Tea-${first + index}`,
    userId: index % 7 === 2 ? 'quantity' : `user-${random.between(1000, 9999)}`,
    quantity: random.between(1, 12),
    timestamp: index % 7 === 6 ? 0 : 1_790_000_000_000 + random.between(0, 1_000_000_000),
  }));
  return orders.map((order, index) => (index % 6 === 5 ? (orders[index - 1] ?? order) : order));
}

/** Orders as another service publishes them: a check does not need the learner's publishOrder. */
export async function addOrders(
  trial: OrderTrial,
  count: number,
  first = 1,
): Promise<Map<string, Order>> {
  const orders = makeOrders(trial, count, first);
  const ids = await Promise.all(
    orders.map((order, index) =>
      trial.redis.xadd(
        STREAM,
        '*',
        ...trial.random.fieldsOf(index % 5 === 1 ? { ...order, ...EXTRA } : order),
      ),
    ),
  );
  return new Map(orders.map((order, index) => [String(ids[index]), order]));
}

/** Entries that are no orders, each with one thing wrong. */
export function noOrders(trial: OrderTrial): Spoilt[] {
  const [order = {}] = makeOrders(trial, 1);
  return spoilt(trial.random, order, {
    quantity: ['two', '', '0', '-1', '1.5', 'NaN', '2 boxes'],
    timestamp: ['yesterday', '', '-5', '1790000000000.5'],
  });
}

/** The group, made as another worker has made it before: a check does not need the learner's createGroup. */
export async function makeGroup({ redis }: OrderTrial): Promise<Group> {
  const group = new Group(redis, STREAM, GROUP);
  await group.create();
  return group;
}

/** Workers on the orders. */
export async function orderQueue(trial: OrderTrial): Promise<WorkQueue<Orders, Order>> {
  const handled = new Handled<Order>();
  let count = 0;
  return {
    trial,
    handled,
    group: await makeGroup(trial),
    what: 'order',
    add: (more) => {
      count += more;
      return addOrders(trial, more, count - more + 1);
    },
    added: () => count,
    start: (worker, minIdleMs, work, { name = worker.name, aborted, throwsAtOnceFor } = {}) => {
      const handler = throwAtOnce(handled.by(name, work), throwsAtOnceFor);
      return worker.start(
        (orders, signal) => orders.runWorker(name, handler, { signal, minIdleMs }),
        aborted,
      );
    },
  };
}
