import { throwAtOnce } from '../harness/failures.ts';
import { Group } from '../harness/group.ts';
import { Handled } from '../harness/handled.ts';
import { type Spoilt, spoilt } from '../harness/spoilt.ts';
import type { Trial } from '../harness/trial.ts';
import type { StartOptions, Work, WorkQueue } from '../harness/work-queue.ts';
import type { Loop, Worker } from '../harness/worker.ts';
import type { Channel, Notification, NotificationType } from './starter.ts';

export type Notifications = typeof import('./starter.ts');
export type NewsTrial = Trial<Notifications>;

export const STREAM = 'user:notifications';
export const DEAD_LETTERS = 'notifications:dead';
export const CHANNELS: readonly Channel[] = ['email', 'sms', 'push'];
const TYPES: readonly [NotificationType, ...NotificationType[]] = [
  'new_follower',
  'product_update',
  'security_alert',
];

/** As in the starter: a learner may have changed theirs, and then it is theirs that is wrong. */
export const ROUTES: Record<NotificationType, readonly Channel[]> = {
  new_follower: ['email', 'push'],
  product_update: ['email'],
  security_alert: ['email', 'sms', 'push'],
};

export function groupOf({ redis }: NewsTrial, channel: Channel): Group {
  return new Group(redis, STREAM, `${channel}_notifier_group`);
}

/** The groups, made as somebody else has made them: a check does not need the learner's createGroups. */
export async function makeGroups(
  trial: NewsTrial,
  channels: readonly Channel[] = CHANNELS,
): Promise<Group[]> {
  const groups = channels.map((channel) => groupOf(trial, channel));
  for (const group of groups) await group.create();
  return groups;
}

/** Not every message is a sentence. */
const MESSAGES: Readonly<Record<number, string>> = { 1: 'type', 3: '', 4: 'userId' };
/** Others add fields of their own. */
const EXTRA = { priority: 'message', locale: '' };

/** Notifications of all types or of one. Now and then a message is empty, and now and then a notification comes twice. */
export function makeNotifications(
  { random }: NewsTrial,
  count: number,
  type?: NotificationType,
): Notification[] {
  const notifications = Array.from({ length: count }, (_, index) => ({
    // What a field means says its name, and not its place, nor a value that looks like a name.
    userId: index % 7 === 5 ? 'message' : `User-${random.between(1000, 9999)}`,
    // All types in turn first, so that none is missing among a few.
    type: type ?? TYPES[index % TYPES.length] ?? 'new_follower',
    message: MESSAGES[index % 7] ?? ` ${random.between(1, 1_000_000)} "quoted", and ünïcödé\n`,
    timestamp: index % 7 === 6 ? 0 : 1_790_000_000_000 + random.between(0, 1_000_000_000),
  }));
  return notifications.map((one, index) =>
    index % 9 === 8 ? (notifications[index - TYPES.length] ?? one) : one,
  );
}

/** Notifications as another service sends them: a check does not need the learner's sendNotification. */
export async function addNotifications(
  trial: NewsTrial,
  count: number,
  type?: NotificationType,
): Promise<Map<string, Notification>> {
  const notifications = makeNotifications(trial, count, type);
  const ids = await Promise.all(
    notifications.map((one, index) =>
      trial.redis.xadd(
        STREAM,
        '*',
        ...trial.random.fieldsOf(index % 5 === 1 ? { ...one, ...EXTRA } : one),
      ),
    ),
  );
  return new Map(notifications.map((one, index) => [String(ids[index]), one]));
}

/** Entries that are no notifications, each with one thing wrong. They would be for every channel. */
export function noNotifications(trial: NewsTrial): Spoilt[] {
  const [notification = {}] = makeNotifications(trial, 1, 'security_alert');
  return spoilt(trial.random, notification, {
    type: ['telegram', 'constructor', '__proto__', 'toString', ''],
    timestamp: ['yesterday', '', '-5', '1790000000000.5'],
  });
}

/** The ids of those that a channel has to deliver. */
export function idsFor(channel: Channel, sent: ReadonlyMap<string, Notification>): string[] {
  return [...sent].flatMap(([id, { type }]) => (ROUTES[type].includes(channel) ? [id] : []));
}

/** Starts a notifier; `work` is what its provider does. */
export function startNotifier(
  worker: Worker<Notifications>,
  channel: Channel,
  minIdleMs: number,
  handled: Handled<Notification>,
  work?: Work,
  { name = worker.name, aborted, throwsAtOnceFor }: StartOptions = {},
): Loop {
  const deliver = throwAtOnce(handled.by(name, work), throwsAtOnceFor);
  return worker.start(
    (submission, signal) => submission.runNotifier(channel, name, deliver, { signal, minIdleMs }),
    aborted,
  );
}

/** Workers of the email channel, on notifications of all types or of one: for email are they all. */
export async function emailQueue(
  trial: NewsTrial,
  type?: NotificationType,
): Promise<WorkQueue<Notifications, Notification>> {
  await makeGroups(trial);
  return channelQueue(trial, 'email', type);
}

/** Workers of a channel, whose group is there. */
export function channelQueue(
  trial: NewsTrial,
  channel: Channel,
  type?: NotificationType,
): WorkQueue<Notifications, Notification> {
  const handled = new Handled<Notification>();
  let added = 0;
  return {
    trial,
    handled,
    group: groupOf(trial, channel),
    what: 'notification',
    add: (count) => {
      added += count;
      return addNotifications(trial, count, type);
    },
    added: () => added,
    start: (worker, minIdleMs, work, options) =>
      startNotifier(worker, channel, minIdleMs, handled, work, options),
  };
}
