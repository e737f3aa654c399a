// A notification system, solved: first the loop, then what keeps it alive. README.md, beside this file, says why.
import { setTimeout as sleep } from 'node:timers/promises';
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
const CHANNELS: Channel[] = ['email', 'sms', 'push'];
const DEAD_LETTERS = 'notifications:dead';
const GRACE_MS = 500;
const LAST_RESORT_MS = 900;
const LONGEST_BLOCK_MS = 500;
const SILENCE_MS = 3000; // longer than any BLOCK
const PAUSE_MS = 500;
const NEWS = '>';
const FIRST = '0-0';

type Entry = [id: string, fields: string[] | null];
type Claimed = [cursor: string, entries: (Entry | null)[], gone: string[]];

/** A consumer of a channel's group. */
interface Notifier extends NotifierOptions {
  readonly redis: Redis;
  readonly channel: Channel;
  readonly group: string;
  readonly name: string;
  readonly deliver: Deliver;
}

/**
 * Task 1. Adds a notification to the stream `user:notifications`, one field per property, and returns the
 * entry's id. The stream is never trimmed.
 */
export async function sendNotification(redis: Redis, notification: Notification): Promise<string> {
  const { userId, type, message, timestamp } = notification;
  const fields = { userId, type, message, timestamp };
  const id = await redis.xadd(STREAM, '*', ...Object.entries(fields).flat());
  if (id === null) throw new Error(`${STREAM} took no notification`); // only with NOMKSTREAM
  return id;
}

/**
 * Task 2. Makes the groups `email_notifier_group`, `sms_notifier_group` and `push_notifier_group`, each from
 * the very first notification on, whichever of them exist already. Any error but BUSYGROUP is passed on.
 */
export async function createGroups(redis: Redis): Promise<void> {
  // One by one: that one of them exists says nothing about the others.
  for (const channel of CHANNELS) await createGroup(redis, groupOf(channel));
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
  { signal, minIdleMs }: NotifierOptions,
): Promise<void> {
  if (signal.aborted) return; // the event is over: a listener would never hear of it
  const group = groupOf(channel);
  const inbox = new Inbox(redis, group, name);
  signal.addEventListener('abort', () => inbox.stop(redis), { once: true });
  const notifier = { redis: inbox.redis, channel, group, name, deliver, signal, minIdleMs };
  let nextLook = 0;
  let cursor = FIRST;
  while (!signal.aborted) {
    try {
      await inbox.arrive();
      // What is old and what is new take turns. A provider that is down makes each delivery fail, and may take its time
      // for that: all of the old ones in a row would keep the news waiting.
      if (performance.now() >= nextLook) {
        cursor = await retryNext(notifier, cursor);
        if (cursor === FIRST) nextLook = performance.now() + minIdleMs / 2;
      }
      const entry = await inbox.next(nextLook - performance.now());
      if (entry) await settle(notifier, entry);
    } catch (error) {
      if (signal.aborted) break;
      // Whatever it was, a fail-over for one, it ends no notifier. The errors of deliveries do not get here.
      inbox.reset();
      console.error(`${channel}: ${name} tries again in a moment:`, error);
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => {}); // the abort ends the pause
    }
  }
  inbox.close();
}

function groupOf(channel: Channel): string {
  return `${channel}_notifier_group`;
}

/** From `0`: a group that is made today is given the whole history, which the stream still has. */
async function createGroup(redis: Redis, group: string): Promise<void> {
  try {
    await redis.xgroup('CREATE', STREAM, group, '0', 'MKSTREAM');
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error;
  }
}

/** Takes over the next entry that has been idle for too long: a failed delivery, or what the dead have left. Says where to go on. */
async function retryNext(notifier: Notifier, cursor: string): Promise<string> {
  const { redis, group, name, minIdleMs } = notifier;
  const page = await redis.xautoclaim(STREAM, group, name, minIdleMs, cursor, 'COUNT', 1);
  const [next, [entry]] = page as Claimed;
  if (entry) await settle(notifier, entry);
  return next;
}

/** Delivers an entry if it is the channel's own, and acknowledges it in any case but a failure. */
async function settle(notifier: Notifier, entry: Entry): Promise<void> {
  const { redis, channel, group, deliver, signal } = notifier;
  const [id, fields] = entry;
  const notification = fields && readNotification(fields, channel);
  try {
    if (typeof notification === 'string') return await bury(notifier, entry, notification);
    if (notification && signal.aborted) return await giveBack(notifier, id);
    if (notification) await withGrace(() => deliver(notification, id), signal);
  } catch (error) {
    console.error(`${channel}: delivery of ${id} failed, and is tried again later:`, error);
    return;
  }
  // Also what is not ours: to the group it was delivered, and it would stay pending for ever.
  await redis.xack(STREAM, group, id);
}

/** Puts an entry aside for a human. */
async function bury(notifier: Notifier, [id, fields]: Entry, reason: string): Promise<void> {
  const { redis, channel, group, name } = notifier;
  const letter = [...(fields ?? []), 'reason', reason, 'originalId', id, 'channel', channel];
  await redis.eval(BURY, 2, STREAM, DEAD_LETTERS, group, name, id, ...letter);
}

// KEYS stream, dead letters; ARGV group, consumer, id, fields and values.
// Only the holder puts it aside: a notifier that was paused has lost it, perhaps to one that has put it aside already.
// The XACK comes last, as a script is not rolled back: if the XADD fails, the entry is still pending.
const BURY = `
  local group, me, id = ARGV[1], ARGV[2], ARGV[3]
  if #redis.call('XPENDING', KEYS[1], group, id, id, 1, me) == 0 then return 0 end
  redis.call('XADD', KEYS[2], '*', unpack(ARGV, 4))
  return redis.call('XACK', KEYS[1], group, id)`;

/** What was handed out and not begun stays pending, and is anybody's at once. */
async function giveBack(notifier: Notifier, id: string): Promise<void> {
  const { redis, group, name, minIdleMs } = notifier;
  await redis.eval(GIVE_BACK, 1, STREAM, group, name, id, minIdleMs);
}

// KEYS stream; ARGV group, consumer, id, idle time. XCLAIM alone would also take what is somebody else's by now.
const GIVE_BACK = `
  local group, me, id = ARGV[1], ARGV[2], ARGV[3]
  if #redis.call('XPENDING', KEYS[1], group, id, id, 1, me) == 0 then return 0 end
  redis.call('XCLAIM', KEYS[1], group, me, 0, id, 'IDLE', ARGV[4], 'JUSTID')
  return 1`;

/** Waits for a delivery. After the abort, for no longer than the grace: then it is left behind, as if it had failed. */
async function withGrace(deliver: () => Promise<void>, signal: AbortSignal): Promise<void> {
  let leave = () => {};
  let timer: NodeJS.Timeout | undefined;
  const left = new Promise<never>((_, reject) => {
    const late = new Error('it still ran when the notifier had to stop');
    leave = () => {
      timer = setTimeout(reject, GRACE_MS, late);
    };
  });
  signal.addEventListener('abort', leave);
  try {
    await Promise.race([deliver(), left]);
  } finally {
    signal.removeEventListener('abort', leave);
    clearTimeout(timer);
  }
}

/** The notification; null when it is for other channels; or what is wrong with it, as others write to this stream, too. */
function readNotification(fields: string[], channel: Channel): Notification | null | string {
  // Fields come back as a flat list of strings, in the order in which they were added.
  const values: Partial<Record<string, string>> = {};
  for (let at = 0; at < fields.length; at += 2) values[fields[at] ?? ''] = fields[at + 1];
  const { userId, type, message, timestamp } = values;
  if (!isType(type)) return `type is ${type}`;
  if (!ROUTES[type].includes(channel)) return null;
  if (userId === undefined || message === undefined) return 'userId or message is missing';
  if (!/^\d+$/.test(timestamp ?? '')) return `timestamp is ${timestamp}`;
  return { userId, type, message, timestamp: Number(timestamp) };
}

/** `in` would not do: every object has a `constructor`. */
function isType(text = ''): text is NotificationType {
  return Object.hasOwn(ROUTES, text);
}

/**
 * What Redis hands out to a consumer. Each reads on a connection of its own: a blocked one can send nothing else, and a channel
 * without news would hold up the others.
 */
class Inbox {
  readonly redis: Redis;
  readonly #group: string;
  readonly #name: string;
  #clientId = 0;
  /** What to read: news, or what this name holds behind an id. Undefined until that is known, and after any trouble. */
  #from: string | undefined;
  /** The newest entry that has arrived here. */
  #newest: string | undefined;
  #lastResort: NodeJS.Timeout | undefined;

  constructor(redis: Redis, group: string, name: string) {
    this.#group = group;
    this.#name = name;
    // A dead connection says nothing, and BLOCK ends on the server. After a fail-over, the old primary says READONLY.
    const reconnectOnError = ({ message }: Error) => message.startsWith('READONLY');
    this.redis = redis.duplicate({ socketTimeout: SILENCE_MS, reconnectOnError });
    this.redis.on('error', (error) => console.error(`${group}: ${name}: ${error}`)); // it is connecting again
    this.redis.on('ready', () => this.reset());
  }

  /** It has to find its way again. */
  reset(): void {
    this.#from = undefined;
  }

  /** At the start, on a new connection, and when something went wrong: the group may have vanished, too. */
  async arrive(): Promise<void> {
    if (this.#from !== undefined) return;
    this.#clientId = await this.redis.client('ID');
    await createGroup(this.redis, this.#group);
    // What a broken connection was handed has never arrived. It is pending, and newer than all that has. What was left
    // before the start waits for its time, as what has failed does.
    this.#from = this.#newest ?? NEWS;
  }

  /** The next entry, if one comes within so many milliseconds. One: in a batch, it would get older while it waits for its turn. */
  async next(ms: number): Promise<Entry | undefined> {
    const from = this.#from ?? NEWS;
    const group = ['GROUP', this.#group, this.#name, 'COUNT', 1] as const;
    const streams = ['STREAMS', STREAM, from] as const;
    const blockMs = Math.ceil(Math.min(LONGEST_BLOCK_MS, ms));
    const reply = await (blockMs > 0 // a BLOCK of 0 has no end
      ? this.redis.xreadgroup(...group, 'BLOCK', blockMs, ...streams)
      : this.redis.xreadgroup(...group, ...streams));
    if (this.#from !== from) return undefined; // sent again over a new connection: it is one's own by now, and read as that
    const entry = reply?.[0]?.[1][0];
    this.#newest = entry?.[0] ?? this.#newest;
    if (from !== NEWS) this.#from = entry?.[0] ?? NEWS;
    return entry;
  }

  /** Ends a read: it comes back with what Redis is just handing out. To cut the connection off would lose that. */
  stop(redis: Redis): void {
    redis.client('UNBLOCK', this.#clientId).catch(() => {}); // then the BLOCK ends it
    this.#lastResort = setTimeout(() => this.redis.disconnect(), LAST_RESORT_MS);
  }

  close(): void {
    clearTimeout(this.#lastResort);
    this.redis.disconnect();
  }
}
