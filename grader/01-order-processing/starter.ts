// Distributed order processing. README.md, beside this file, leads you through it task by task;
//   npm run grade orders
// checks what you have so far. Add constants and helpers as you like, and keep the exported names.
import type { Redis } from 'ioredis';

export interface Order {
  productId: string;
  userId: string;
  quantity: number;
  /** Milliseconds since 1970. */
  timestamp: number;
}

/** What is done with an order, here by the grader. It may fail in any way, or take long; `id` is the entry's id. */
export type OrderHandler = (order: Order, id: string) => Promise<void>;

export interface WorkerOptions {
  /**
   * The worker returns within a second of its abort. The order in hand has half a second to be finished; one that takes longer
   * stays pending. It may be aborted before the call.
   */
  signal: AbortSignal;
  /** An order that nobody has touched for so long has been left behind. Look for such orders at least as often. */
  minIdleMs: number;
}

/**
 * Task 1. Adds an order to the stream `orders:new`, one field per property, and returns the entry's
 * id. The stream keeps the newest 10,000 orders, or a few more where that is cheaper.
 */
export async function publishOrder(redis: Redis, order: Order): Promise<string> {
  // TODO: XADD, with a limit.
  throw new Error('Not implemented yet');
}

/**
 * Task 2. Makes the group `order_processors`, which sees all orders from the first one on. May be
 * called again by anyone at any time: that changes nothing. Any other error is passed on.
 */
export async function createGroup(redis: Redis): Promise<void> {
  // TODO: XGROUP CREATE, on an empty database too.
  throw new Error('Not implemented yet');
}

/**
 * Tasks 3 and 5 to 8. Works on orders as the consumer `name`, until the signal is aborted: first on what this
 * name has left unacknowledged, then on new orders. While it runs, busy or not, it takes over what others
 * have left. An order is acknowledged once its handler has succeeded. What was delivered more than 3 times, or is no
 * order, goes to `orders:dead`. Makes the group when it is missing. `redis` belongs to the caller.
 */
export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  options: WorkerOptions,
): Promise<void> {
  // TODO: read, handle, acknowledge, and again.
  throw new Error('Not implemented yet');
}

/** Task 4. How many orders each worker holds unacknowledged; workers that hold none are left out. The group is there. */
export async function pendingByWorker(redis: Redis): Promise<Record<string, number>> {
  // TODO: XPENDING.
  throw new Error('Not implemented yet');
}

/**
 * Task 5. Takes over, as the consumer `name`, every order that has been idle for `minIdleMs`; handles
 * and acknowledges it. Clears from the pending list what was trimmed away. What was delivered more than 3 times goes to
 * `orders:dead` (task 7). Returns how many were handled.
 */
export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  // TODO: XAUTOCLAIM, to the last page.
  throw new Error('Not implemented yet');
}
