import type { Requirement } from '../requirement.ts';

export const learned =
  'You have built what most people use Streams for: a queue of work that several processes share. Each order is handed to one of them, a crash leaves it pending instead of losing it, the living take it over, and what can never succeed ends in a place where a human finds it.';

export const requirements: readonly Requirement[] = [
  {
    id: 'publish',
    title: 'An order becomes one entry of orders:new, and its id is returned',
    points: 6,
    task: 1,
    lesson: { chapter: 2, heading: 'The command, part by part' },
    hints: [
      'One call of redis.xadd per order. Each property of the order is a field of the entry.',
      "The id comes before the fields, and '*' asks Redis to make one up. XADD replies with it.",
      "redis.xadd('orders:new', '*', 'productId', order.productId, 'userId', ...), and so on for the other two fields.",
    ],
  },
  {
    id: 'trim',
    title: 'The stream keeps the newest 10,000 orders',
    points: 6,
    task: 1,
    lesson: { chapter: 2, heading: 'Keeping the newest: MAXLEN' },
    hints: [
      'XADD can trim the stream while it adds. The option has to stand before the id.',
      "Behind the id, MAXLEN would be stored as a field, and nobody would complain. 'MAXLEN', '~', 10000, '*' is the order of things.",
      "redis.xadd('orders:new', 'MAXLEN', '~', 10_000, '*', ...fields)",
    ],
  },
  {
    id: 'group',
    title: 'order_processors sees every order from the first one on',
    points: 6,
    task: 2,
    lesson: { chapter: 4, heading: 'Making a group: XGROUP CREATE' },
    hints: [
      'Where does the group start? And what if there is no stream yet?',
      "'$' skips everything that is in the stream already; '0' starts at the beginning. XGROUP CREATE refuses to make a stream unless you ask it to.",
      "redis.xgroup('CREATE', 'orders:new', 'order_processors', '0', 'MKSTREAM')",
    ],
  },
  {
    id: 'group-again',
    title: 'Making the group again, by anyone at any time, changes nothing',
    points: 6,
    task: 2,
    lesson: { chapter: 4, heading: 'Making a group: XGROUP CREATE' },
    hints: [
      'The second XGROUP CREATE is refused with an error. Which one, and is it a problem?',
      'Catch the error whose message starts with BUSYGROUP. Every other error is a real one: throw it again.',
      "catch (error) { if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error; }. Do not destroy or reset the group: others are at work in it.",
    ],
  },
  {
    id: 'work',
    title: 'A worker handles every order and acknowledges it',
    points: 8,
    task: 3,
    lesson: { chapter: 4, heading: 'Taking entries: XREADGROUP' },
    hints: [
      "A loop: read what is new for the group, call the handler with each order, acknowledge it. The special id for 'new' is '>'.",
      'Everything comes back as strings: quantity and timestamp have to become numbers again. XACK takes the stream, the group and the id.',
      "reader.xreadgroup('GROUP', group, name, 'COUNT', 1, 'BLOCK', 1000, 'STREAMS', stream, '>') replies with null or [[stream, [[id, [field, value, ...]]]]]. The reader is a redis.duplicate(), disconnected in a finally: others use `redis` too.",
    ],
  },
  {
    id: 'ack',
    title: 'An order is acknowledged once its handler has succeeded, and not before',
    points: 10,
    task: 3,
    lesson: { chapter: 4, heading: 'Being done: XACK' },
    hints: [
      'What happens to an order when the process dies between the XACK and the handler?',
      'Await the handler, then send XACK. When the handler throws, catch the error, leave the order pending, and go on with the next.',
      'for each entry: try { await handleOrder(order, id); } catch { continue; } await redis.xack(...). No XACK in a finally, no NOACK in the read.',
    ],
  },
  {
    id: 'share',
    title: 'Three workers share the orders, and each order is handled once',
    points: 7,
    task: 3,
    lesson: { chapter: 4, heading: 'The three words' },
    hints: [
      'Within a group, Redis gives each entry to one consumer. So what must the workers have in common, and what must differ?',
      'One group for all, and in it a consumer for each worker: the name that runWorker is given.',
      'Never read with a fixed consumer name, and take over only what has been idle for minIdleMs: a worker that is alive keeps its orders.',
    ],
  },
  {
    id: 'stop',
    title: 'An idle worker waits for orders, and returns within a second when it is told to stop',
    points: 6,
    task: 3,
    lesson: { chapter: 4, heading: 'Stopping in the middle of it' },
    hints: [
      'A worker without orders should be asleep in Redis (BLOCK), not ask again and again. And how is it woken when the signal is aborted? What if a handler never ends, or the signal was aborted before the call?',
      'Read on a connection of your own, redis.duplicate(), and end its wait with CLIENT UNBLOCK when the signal is aborted: to cut it off would drop what is on its way. A listener never hears of an abort that has been: ask signal.aborted too. Race the handler against the abort and half a second.',
      "const readerId = await reader.client('ID'); at the abort, redis.client('UNBLOCK', readerId), and wait for the read: what it brings stays pending. Before each order, look at the signal. XACK only when the handler has won its Promise.race (chapter 4 has one). In a finally, disconnect the reader and remove the listener; leave `redis` itself open.",
    ],
  },
  {
    id: 'pending',
    title: 'pendingByWorker tells how many orders each worker holds',
    points: 4,
    task: 4,
    lesson: { chapter: 5, heading: 'Looking: XPENDING' },
    hints: [
      'XPENDING without a range is a summary, and its last part is what you need.',
      'The reply is [total, smallest id, greatest id, [[name, count], ...]]; the counts are strings, and the list is null when nothing is pending.',
      'Object.fromEntries((consumers ?? []).map(([name, count]) => [name, Number(count)]))',
    ],
  },
  {
    id: 'reclaim',
    title: 'reclaimOrders takes over all that has been idle for long enough, and nothing else',
    points: 10,
    task: 5,
    lesson: { chapter: 5, heading: 'Taking over all of them: XAUTOCLAIM' },
    hints: [
      'XAUTOCLAIM claims a page at a time. What tells you that there is another page?',
      "It replies [cursor, entries, ...]. Call it again with the cursor, until the cursor is '0-0'. A page may be empty and still not be the last.",
      "let cursor = '0-0'; do { [cursor, entries] = await redis.xautoclaim(stream, group, name, minIdleMs, cursor, 'COUNT', 10); handle each, and XACK it when that has worked; } while (cursor !== '0-0'). What is claimed gets older while it waits: without COUNT that is up to a hundred.",
    ],
  },
  {
    id: 'trimmed',
    title: 'An order that was trimmed away while it was pending stops nobody',
    points: 5,
    task: 5,
    lesson: { chapter: 5, heading: 'Trimming asks no group' },
    hints: [
      'Trimming does not look at pending lists. What does a read return for an entry that is no longer there?',
      'Reading your own pending entries gives [id, null] for such an entry. There is nothing to handle. XAUTOCLAIM takes it off the list by itself.',
      'if (!fields) { await redis.xack(stream, group, id); continue; }. It does not count as handled.',
    ],
  },
  {
    id: 'history',
    title: 'A worker that comes back first finishes what its name has left',
    points: 8,
    task: 5,
    lesson: { chapter: 4, heading: 'Taking entries: XREADGROUP' },
    hints: [
      "After a crash, a worker starts again under its old name. Reading with '>' does not show it what it was given before.",
      "XREADGROUP with the id '0' instead of '>' returns what is pending for this very name.",
      "Before the main loop: read with '0' and COUNT 10, handle and acknowledge, read on behind the last id, until the list is empty. Only then '>'. One that fails stays pending; look at the signal before each.",
    ],
  },
  {
    id: 'crash',
    title: 'Three workers, hundreds of orders, a crash: nothing is lost while the others stay busy',
    points: 8,
    task: 6,
    lesson: { chapter: 5, heading: 'Taking over all of them: XAUTOCLAIM' },
    hints: [
      'Who looks after the orders of a dead worker, and when? Not only at the start, and not only when there is nothing new.',
      'Let each worker take over from its loop, every half of minIdleMs, however many new orders there are.',
      'Remember when you last looked; when that is minIdleMs / 2 ago, reclaim before the next read. A read that blocks for ever never comes back to look, so give BLOCK a limit. And taking over has to notice the abort as well: give the signal to what runWorker and reclaimOrders share.',
    ],
  },
  {
    id: 'dead',
    title: 'Stretch: an order delivered more than 3 times goes to orders:dead',
    points: 5,
    task: 7,
    lesson: { chapter: 5, heading: 'The one that kills everyone' },
    hints: [
      'Some orders fail each time. Redis counts how often an entry was delivered: XPENDING with a range shows it.',
      'The fourth number of each line is the count of deliveries. When it is above 3, do not call the handler again.',
      "XADD orders:dead with the fields and 'originalId', then XACK, in this order: a crash in between leaves it there twice, and never loses it. The script in chapter 5 makes one step of it, and looks first whether the order is still yours. A MULTI does neither: when its XADD fails, its XACK is carried out all the same.",
    ],
  },
  {
    id: 'unexpected',
    title:
      'Stretch: what is no order, a stream that vanishes, a handler that hangs: a worker bears it all',
    points: 5,
    task: 8,
    lesson: { chapter: 4, heading: 'When the stream or the group vanishes' },
    hints: [
      'Who writes to this stream, apart from you? And what does a worker get from Redis when its stream is deleted under it?',
      'Look at an entry before it becomes an order. What is none goes to orders:dead, with what is wrong with it, and is then acknowledged. NOGROUP, and on Redis 7.0 UNBLOCKED, say that there is nothing to read from any more: make the group again, and go on.',
      "if (!/^[1-9]\\d*$/.test(quantity ?? '') || !/^\\d+$/.test(timestamp ?? '')) put it aside: Number('') is 0, and no error. In the loop, an error ends nothing: catch it, wait a moment, make the group again, and go on.",
    ],
  },
];
