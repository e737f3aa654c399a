// An event-sourced shopping cart. README.md, beside this file, leads you through it task by task;
//   npm run grade cart
// checks what you have so far. Add constants and helpers as you like, and keep the exported names.
import type { Redis } from 'ioredis';

export type CartEvent =
  | {
      eventType: 'item:add' | 'item:remove';
      itemId: string;
      quantity: number;
      /** Milliseconds since 1970. For people to read: the order of events is the order of their ids. */
      timestamp: number;
    }
  | { eventType: 'cart:checkout'; timestamp: number };

export interface ProjectorOptions {
  /** The projector returns within a second of its abort. It may be aborted before the call. */
  signal: AbortSignal;
  /** When a projector has given no sign of life for so long, and not sooner, another takes over its users. */
  leaseMs: number;
}

/**
 * Task 1. Adds an event to the user's stream `cart:events:<userId>`, one field per property, and returns
 * the entry's id. The stream is the source of truth and never trimmed.
 */
export async function recordEvent(redis: Redis, userId: string, event: CartEvent): Promise<string> {
  // TODO: XADD.
  throw new Error('Not implemented yet');
}

/**
 * Task 2. Applies the event with this entry id, two whole numbers of 64 bits, to the hash `cart:current:<userId>`: item id →
 * quantity, and nothing else in it. Adding and removing change the quantity; a line that reaches 0 or less goes; checkout empties
 * the cart.
 * An event that was applied before, or is older than one that was, changes nothing, whoever else calls this now.
 */
export async function applyEvent(
  redis: Redis,
  userId: string,
  id: string,
  event: CartEvent,
): Promise<void> {
  // TODO: compare the id with the last one applied, change the hash, remember the id: all in one step.
  throw new Error('Not implemented yet');
}

/** Task 2. The user's cart, item id → quantity; `{}` when it is empty. */
export async function readCart(redis: Redis, userId: string): Promise<Record<string, number>> {
  // TODO: HGETALL.
  throw new Error('Not implemented yet');
}

/**
 * Task 3. Makes every cart anew from its whole stream, however the hashes look before, also while projectors run and
 * events arrive. An event that is in the rebuilt cart is not applied to it again. Returns how many carts there are: one
 * for each stream `cart:events:<userId>`, whoever has written it.
 */
export async function rebuildCarts(redis: Redis): Promise<number> {
  // TODO: XRANGE, from the beginning, page by page.
  throw new Error('Not implemented yet');
}

/**
 * Tasks 4 and 5. Keeps the carts of all users up to date, until the signal is aborted, as the consumer `name` of the
 * group `cart_projectors` on each user's stream. Users are those who have a stream: others write to them as well,
 * and new ones come, who have their cart within two seconds. Several projectors share the users, and each user's
 * events are applied in order. When a projector dies, another takes over within twice `leaseMs`, and a second. What is
 * no event goes to `cart:dead`. `redis` belongs to the caller.
 */
export async function runProjector(
  redis: Redis,
  name: string,
  options: ProjectorOptions,
): Promise<void> {
  // TODO: find the users, agree on who has whom, read, apply, acknowledge, and again.
  throw new Error('Not implemented yet');
}

/**
 * Stretch, task 6. Keeps a snapshot of every cart as of its last event. From then on, `rebuildCarts` needs only the
 * events after it: those before may be trimmed. Returns how many carts there are.
 */
export async function snapshotCarts(redis: Redis): Promise<number> {
  // TODO: the cart and the id of its last event, kept together.
  throw new Error('Not implemented yet');
}
