import type { Requirement } from '../requirement.ts';

export const learned =
  'You have let three groups read one stream, each at its own pace: every group sees every entry, and within a group the work is shared. What fails is tried again, what is not yours is acknowledged too, and a reader that blocks has a connection of its own.';

export const requirements: readonly Requirement[] = [
  {
    id: 'send',
    title: 'A notification becomes one entry of user:notifications, and its id is returned',
    points: 6,
    task: 1,
    lesson: { chapter: 2, heading: 'The command, part by part' },
    hints: [
      'One call of redis.xadd, and every property of the notification is a field of the entry.',
      "The id comes before the fields; '*' asks Redis to make one up. XADD replies with it.",
      "redis.xadd('user:notifications', '*', 'userId', notification.userId, 'type', ...)",
    ],
  },
  {
    id: 'keep',
    title: 'No notification is trimmed away, however many there are',
    points: 6,
    task: 1,
    lesson: { chapter: 5, heading: 'Trimming asks no group' },
    hints: [
      'What happens to a channel that is slow, when the others have moved on and the stream is cut?',
      'This stream is the history that late groups begin with: leave MAXLEN and MINID out.',
      'In production you would trim by the slowest group, in a job of its own. Not in sendNotification.',
    ],
  },
  {
    id: 'groups',
    title: 'Three groups, and each is given every notification from the very first on',
    points: 7,
    task: 2,
    lesson: { chapter: 4, heading: 'Making a group: XGROUP CREATE' },
    hints: [
      'Where does a group start, and what if there is no stream yet?',
      "From '0' a group sees what is there already; from '$' it never would. MKSTREAM makes a stream that is missing.",
      "For each of the three names: redis.xgroup('CREATE', 'user:notifications', name, '0', 'MKSTREAM')",
    ],
  },
  {
    id: 'groups-again',
    title: 'createGroups makes what is missing, and leaves what is there alone',
    points: 6,
    task: 2,
    lesson: { chapter: 4, heading: 'Making a group: XGROUP CREATE' },
    hints: [
      'The email group exists, the other two do not. What does your code do then?',
      'A BUSYGROUP for one group must not keep the next from being made. Catch it for each group by itself.',
      "In a loop: try { await redis.xgroup('CREATE', ...) } catch (error) { if it does not start with BUSYGROUP, throw it again }",
    ],
  },
  {
    id: 'deliver',
    title: 'A notifier delivers what is there and what comes, and acknowledges it',
    points: 8,
    task: 3,
    lesson: { chapter: 4, heading: 'Taking entries: XREADGROUP' },
    hints: [
      "A loop: read what is new for the channel's group, deliver it, acknowledge it. The special id for 'new' is '>'.",
      'The provider wants the notification as it was sent, with the timestamp as a number, and the id of the entry.',
      "reader.xreadgroup('GROUP', group, name, 'COUNT', 10, 'BLOCK', 1000, 'STREAMS', stream, '>'), deliver(notification, id), redis.xack(...). The reader is a redis.duplicate(), disconnected in a finally: nobody may block on `redis`.",
    ],
  },
  {
    id: 'routes',
    title: 'Each channel delivers only what is its own, and acknowledges the rest too',
    points: 9,
    task: 3,
    lesson: { chapter: 4, heading: 'Being done: XACK' },
    hints: [
      'A group cannot filter: it is given every entry. So who decides what is delivered?',
      'ROUTES[notification.type] lists the channels. What is not for yours was delivered to your group all the same, and stays pending until you acknowledge it.',
      'const isOurs = Object.hasOwn(ROUTES, type) && ROUTES[type].includes(channel); if (isOurs) await deliver(...); and then XACK in both cases, unless deliver has failed. No XDEL: other groups still need the entry.',
    ],
  },
  {
    id: 'every-group',
    title: 'Every group sees every notification, and the stream stays as it is',
    points: 7,
    task: 3,
    lesson: { chapter: 4, heading: 'The three words' },
    hints: [
      'Two groups on one stream: does one take entries away from the other?',
      'Each channel reads in its own group, and acknowledges in its own group. Nothing is deleted after a delivery.',
      'XACK takes the name of the group, which for this channel ends with _notifier_group. Remove any XDEL and XTRIM.',
    ],
  },
  {
    id: 'stop',
    title: 'An idle notifier waits, and returns within a second when it is told to stop',
    points: 5,
    task: 3,
    lesson: { chapter: 4, heading: 'Stopping in the middle of it' },
    hints: [
      'How is a notifier woken that waits in a blocked read? What if a delivery never ends, or the signal was aborted before the call?',
      'Read on redis.duplicate(), and end its wait with CLIENT UNBLOCK when the signal is aborted: to cut it off would drop what is on its way. A listener never hears of an abort that has been: ask signal.aborted too. Race the delivery against the abort and half a second.',
      "const readerId = await reader.client('ID'); at the abort, redis.client('UNBLOCK', readerId), and wait for the read: what it brings stays pending. Before each notification, look at the signal. XACK only when the delivery has won its Promise.race (chapter 4 has one). In a finally, disconnect the reader and remove the listener; `redis` itself stays open.",
    ],
  },
  {
    id: 'share',
    title: 'Within a group, each notification goes to one worker',
    points: 8,
    task: 4,
    lesson: { chapter: 4, heading: 'The three words' },
    hints: [
      'Three workers for email: what do they have in common, and what differs?',
      'They share the group, and each is a consumer of its own in it: `name`.',
      'Read with the consumer name that you were given, never with a fixed one, and do not take over what is not idle for minIdleMs.',
    ],
  },
  {
    id: 'ack',
    title: 'A notification is acknowledged once it was delivered, and not before',
    points: 8,
    task: 4,
    lesson: { chapter: 4, heading: 'Being done: XACK' },
    hints: [
      'What is left of a notification when the process dies between the XACK and the delivery?',
      'Await deliver, then XACK. When deliver throws: catch it, leave the entry pending, go on with the next.',
      'try { await deliver(notification, id); } catch { return; } await redis.xack(...)',
    ],
  },
  {
    id: 'retry',
    title: 'A failed delivery is tried again after minIdleMs, with the same id',
    points: 8,
    task: 5,
    lesson: { chapter: 5, heading: 'Taking over all of them: XAUTOCLAIM' },
    hints: [
      "What failed is pending, and '>' does not show it again. Which command finds what has been idle for a while?",
      'XAUTOCLAIM with minIdleMs claims idle entries for you, also your own. Deliver them as if they were new.',
      'In the loop, every half of minIdleMs: XAUTOCLAIM with COUNT 10 from 0-0 until the cursor is 0-0 again, deliver, XACK what has worked. Once through is enough: what fails now has its turn in minIdleMs. Let BLOCK end in time for it.',
    ],
  },
  {
    id: 'crash',
    title: 'Three workers, hundreds of notifications, a crash: nothing is lost',
    points: 8,
    task: 5,
    lesson: { chapter: 5, heading: 'Taking over all of them: XAUTOCLAIM' },
    hints: [
      'Who looks after what a dead worker was given, and when?',
      'Each worker takes over idle entries from its loop, not only when it starts, and not only when nothing is new.',
      'Remember when you looked last; when that is minIdleMs / 2 ago, take over before the next read. Look at the signal before each delivery there too.',
    ],
  },
  {
    id: 'late',
    title: 'Stretch: a group that comes late still delivers the whole history',
    points: 4,
    task: 6,
    lesson: { chapter: 4, heading: 'Making a group: XGROUP CREATE' },
    hints: [
      'A year later, a fourth channel is added. Who makes its group, and where does it start?',
      'Let runNotifier make the group of its own channel when it is missing.',
      "At its start: XGROUP CREATE ... '0' MKSTREAM for this channel, BUSYGROUP ignored.",
    ],
  },
  {
    id: 'slow',
    title: 'Stretch: a channel that hangs does not hold up the others in the same process',
    points: 5,
    task: 6,
    lesson: { chapter: 3, heading: 'Blocking and connections' },
    hints: [
      'Three notifiers in one process share `redis`. What does a blocked read do to the commands behind it?',
      'A connection carries out one command after the other. Nothing else gets through while a read blocks.',
      'Give each notifier a connection of its own for reading: redis.duplicate().',
    ],
  },
  {
    id: 'unexpected',
    title:
      'Stretch: no entry that is no notification, and no stream that vanishes, stops a notifier',
    points: 5,
    task: 6,
    lesson: { chapter: 4, heading: 'When the stream or the group vanishes' },
    hints: [
      'Who writes to this stream, apart from you? And what does a notifier get from Redis when its stream is deleted under it?',
      'Look at an entry before it becomes a notification. What is none goes to notifications:dead, with what is wrong with it, and is then acknowledged. NOGROUP, and on Redis 7.0 UNBLOCKED, say that there is nothing to read from any more: make the group again, and go on.',
      "ROUTES['constructor'] is not undefined: every object has one. Object.hasOwn(ROUTES, type) asks for its own. In the loop, an error ends nothing: catch it, wait a moment, make the group again, and go on.",
    ],
  },
];
