import type { Requirement } from '../requirement.ts';

export const learned =
  "You have built event sourcing: the events are the truth, and what one looks at is a projection that can be thrown away and built again. You have kept each user's events in order with several projectors at work, and a projector that wakes up late does no harm.";

export const requirements: readonly Requirement[] = [
  {
    id: 'record',
    title: "An event becomes one entry of the user's own stream, which is never trimmed",
    points: 6,
    task: 1,
    lesson: { chapter: 2, heading: 'The command, part by part' },
    hints: [
      'One stream per user: the key ends with the user id. Every property that the event has is a field.',
      'A checkout has no itemId and no quantity: leave the fields out, rather than storing undefined.',
      "redis.xadd('cart:events:' + userId, '*', ...Object.entries(event).flat()), without MAXLEN.",
    ],
  },
  {
    id: 'apply',
    title: 'applyEvent keeps the hash: lines are added, changed and removed, checkout empties it',
    points: 8,
    task: 2,
    lesson: { chapter: 6, heading: 'Two commands as one: MULTI, WATCH, EVAL' },
    hints: [
      'A hash has a command that changes a number in one step. What if the line is not there yet?',
      'HINCRBY adds, also a negative number, and begins at 0. When the result is 0 or less, remove the line with HDEL.',
      'item:add → HINCRBY +quantity; item:remove → HINCRBY -quantity, then HDEL if it is <= 0; cart:checkout → DEL. Nothing but items in the hash.',
    ],
  },
  {
    id: 'once',
    title: 'An event counts once: not twice, not late, and not when two apply it at the same time',
    points: 10,
    task: 2,
    lesson: { chapter: 6, heading: 'Two commands as one: MULTI, WATCH, EVAL' },
    hints: [
      'Remember, in a key of its own, the id of the last event that the cart contains. What do you compare, and how?',
      "Ids are two numbers: as text '5-9' comes after '5-10'. And between comparing and changing, another process may do the same: it has to be one step.",
      'A Lua script (redis.eval) runs as a whole: GET the last id, compare both parts (Lua would round a number of 64 bits: the longer one is the greater; of two that are as long, compare the texts), HINCRBY, SET the last id.',
    ],
  },
  {
    id: 'read',
    title: 'readCart returns the lines with their quantities as numbers',
    points: 4,
    task: 2,
    lesson: { chapter: 1, heading: 'Entries' },
    hints: [
      'One command returns a whole hash.',
      'HGETALL gives strings. The quantities have to become numbers.',
      'Object.fromEntries(Object.entries(await redis.hgetall(key)).map(([item, quantity]) => [item, Number(quantity)]))',
    ],
  },
  {
    id: 'rebuild',
    title: 'rebuildCarts makes every cart anew, and what it contains is not applied again',
    points: 12,
    task: 3,
    lesson: { chapter: 3, heading: 'Looking back: XRANGE' },
    hints: [
      'Reading in a group with an id shows only what is pending for one consumer. Which command reads a stream from its beginning, as often as you like?',
      "Throw away the hash and the last id, then apply all events in order: XRANGE from '-', page by page, going on behind the last id with '('.",
      'SCAN with MATCH cart:events:* finds the users. For each, in one script: DEL the hash and the last id; XRANGE (last + COUNT 500, apply each, SET the last id, until a page is empty.',
    ],
  },
  {
    id: 'project',
    title: 'A projector brings every cart up to date, and acknowledges the events',
    points: 8,
    task: 4,
    lesson: { chapter: 4, heading: 'Taking entries: XREADGROUP' },
    hints: [
      'A group belongs to one stream. How many groups named cart_projectors are there?',
      "For each user: make the group at '0', read with '>', apply, acknowledge. Then look again for what is new.",
      'The consumer name is the one that runProjector is given. One XREADGROUP can read several streams, with a > for each.',
    ],
  },
  {
    id: 'new-users',
    title: 'Users who come while a projector runs have their carts within two seconds',
    points: 6,
    task: 4,
    lesson: { chapter: 6, heading: 'Finding streams: SCAN' },
    hints: [
      'Who tells a projector that there is a new stream?',
      'Nobody. Look for streams again and again, not only at the start; but SCAN walks over all keys of the database, so not in each round.',
      "Once a second: for await (const page of redis.scanStream({ match: 'cart:events:*', type: 'stream', count: 1000 })). A page may be empty, and a key may come twice: collect them in a Set.",
    ],
  },
  {
    id: 'redelivered',
    title:
      'What was left pending, applied or not, counts once and is acknowledged in time, also after a restart',
    points: 6,
    task: 4,
    lesson: { chapter: 5, heading: 'Taking over all of them: XAUTOCLAIM' },
    hints: [
      'A projector applied an event and died before the XACK. Who finds the entry, and what does applying it again do?',
      'Take over what others have left pending. The last id keeps it from counting twice; acknowledge it all the same.',
      'For each of your users, in the loop: first bring the cart up to date from the stream itself, from behind the last id (XRANGE, with a COUNT). Then what is pending up to the last id is in the cart, whoever holds it: XPENDING with a range finds it, and only the XACK is left to do.',
    ],
  },
  {
    id: 'stop',
    title:
      'An idle projector waits; when it is told to stop, it returns within a second, and loses nothing',
    points: 5,
    task: 4,
    lesson: { chapter: 4, heading: 'Stopping in the middle of it' },
    hints: [
      'How is a projector woken that waits in a blocked read? Does it rest at all between two rounds? And what becomes of what it has read and not applied?',
      'Block on redis.duplicate() for a moment only, and end its wait with CLIENT UNBLOCK when the signal is aborted. A listener never hears of an abort that has been: ask signal.aborted too, before each piece of work. What is left stays pending.',
      "const readerId = await reader.client('ID'); at the abort, redis.client('UNBLOCK', readerId), and wait for the read: what it brings stays pending. Look at the signal before each user as well. In a finally, disconnect the reader and remove the listener.",
    ],
  },
  {
    id: 'share',
    title: "Three projectors share the users, and keep them; each user's events apply in order",
    points: 8,
    task: 5,
    lesson: { chapter: 6, heading: 'Who works on it: a lease' },
    hints: [
      'Two consumers of one group on one stream each get a part of the events. What does that do to their order?',
      'One projector per user at a time. A lease says who: SET cart:lease:<user> name NX PX leaseMs. Or apply straight from the stream, behind the last id, so that there is no gap whoever does it.',
      'In each round, for each user: take or renew the lease, the latter in a script that looks whose it is; only with it read, apply, acknowledge. Take no more than your share, and give back what is more.',
    ],
  },
  {
    id: 'crash',
    title:
      'A projector is killed, also while it takes over: others take its users in time, no event is lost',
    points: 8,
    task: 5,
    lesson: { chapter: 6, heading: 'Who works on it: a lease' },
    hints: [
      'What the dead projector was given is pending for it. What it had not read yet waits in the stream.',
      'A lease has to end by itself: PX leaseMs. Whoever takes it over first applies what is pending, in order, and only then reads new events.',
      "After taking a user over: XPENDING shows what is open, whoever has it. XAUTOCLAIM once it has been idle for leaseMs, apply in order of ids, XACK; only then XREADGROUP '>'. Or leave it where it is: apply from the stream behind the last id, and XACK what was pending.",
    ],
  },
  {
    id: 'rebuild-live',
    title:
      'Carts can be rebuilt while projectors run and events arrive, and a rebuild can be cut short',
    points: 5,
    task: 5,
    lesson: { chapter: 6, heading: 'Two commands as one: MULTI, WATCH, EVAL' },
    hints: [
      'Between your DEL and your last HINCRBY, a projector applies an event. Where does it end up?',
      'The new cart and its last id have to appear in one step.',
      'Collect the new cart in memory, page by page, under WATCH of the hash and the last id, on a connection of your own; write both in a MULTI, and begin again when EXEC says nil. Or let a script write both, and play what has come meanwhile. A lock, if you take one, ends by itself. Do not move the group.',
    ],
  },
  {
    id: 'zombie',
    title: 'Stretch: a projector that was paused for longer than its lease does no harm',
    points: 5,
    task: 6,
    lesson: { chapter: 6, heading: 'Who works on it: a lease' },
    hints: [
      'It wakes up, and believes that the lease is still its own. What can it still do?',
      'A check of the lease before the write does not help: the pause can come between the two. The write itself has to refuse what is too late.',
      'Let every change go through the script that compares ids; and never skip events: apply from the stream behind the last id, rather than what you happen to hold.',
    ],
  },
  {
    id: 'snapshots',
    title: 'Stretch: after snapshotCarts, the events before it may go',
    points: 4,
    task: 6,
    lesson: { chapter: 5, heading: 'Trimming asks no group' },
    hints: [
      'What does a rebuild need in order to begin in the middle of a stream?',
      'The cart at some event, and the id of that event: kept together, in keys of their own.',
      'Play the events behind the snapshot before it, page by page; then SET cart:snapshot:<user> to the cart and the id of its last event, as one JSON, and never over a newer one. rebuildCarts begins with it and plays XRANGE (last + behind it.',
    ],
  },
  {
    id: 'unexpected',
    title:
      'Stretch: neither an event that cannot be read nor a stream that vanishes stops a projector',
    points: 5,
    task: 6,
    lesson: { chapter: 4, heading: 'When the stream or the group vanishes' },
    hints: [
      'What does your code do with a quantity of "two"? And with NOGROUP, when somebody has deleted the stream that it waits in?',
      'Look at an entry before you apply it: is the type one of three, is there an item, is the quantity a whole number from 1 on? If not, it changes nothing, and goes to cart:dead with a reason, before the XACK.',
      "/^[1-9]\\d*$/ tells a quantity. XADD cart:dead with the entry's own fields, userId, originalId and reason, and XACK, in one MULTI or script. Catch NOGROUP (and UNBLOCKED), and make the groups again.",
    ],
  },
];
