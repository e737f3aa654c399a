// A notification system. README.md, beside this file, leads you through it task by task;
//   npm run grade notifications
// checks what you have so far. Add constants and helpers as you like, and keep the exported names.
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

/**
 * Task 1. Adds a notification to the stream `user:notifications`, one field per property, and returns the
 * entry's id. The stream is never trimmed.
 */
export async function sendNotification(redis: Redis, notification: Notification): Promise<string> {
  // TODO: XADD.
  throw new Error('Not implemented yet');
}

/**
 * Task 2. Makes the groups `email_notifier_group`, `sms_notifier_group` and `push_notifier_group`, each from
 * the very first notification on, whichever of them exist already. Any error but BUSYGROUP is passed on.
 */
export async function createGroups(redis: Redis): Promise<void> {
  // TODO: XGROUP CREATE, three times.
  throw new Error('Not implemented yet');
}

/**
 * Tasks 3 to 6. Works for one channel, as the consumer `name` of the channel's group, until the signal is aborted:
 * delivers the channel's own notifications, and acknowledges all that the group is given. What could not be delivered
 * stays pending and is tried again once it has been idle for `minIdleMs`; so is what a worker that died has left. What is
 * no notification goes to `notifications:dead`. Makes the group when it is missing. The stream itself stays as it is.
 * `redis` belongs to the caller.
 */
export async function runNotifier(
  redis: Redis,
  channel: Channel,
  name: string,
  deliver: Deliver,
  options: NotifierOptions,
): Promise<void> {
  // TODO: read, deliver what is the channel's own, acknowledge, and again.
  throw new Error('Not implemented yet');
}
