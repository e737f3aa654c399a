import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'one stream for all users',
    changes: [
      [
        "redis.xadd(eventsOf(userId), '*', ...Object.entries(event).flat())",
        "redis.xadd('cart:events', '*', 'userId', userId, ...Object.entries(event).flat())",
      ],
    ],
    fails: ['record'],
  },
  {
    mistake: 'the event as JSON in one field',
    changes: [
      [
        `...Object.entries(event).flat());
  if`,
        `'event', JSON.stringify(event));
  if`,
      ],
    ],
    fails: ['record'],
  },
  {
    mistake: 'undefined fields of a checkout',
    changes: [
      [
        "redis.xadd(eventsOf(userId), '*', ...Object.entries(event).flat())",
        "redis.xadd(eventsOf(userId), '*', 'eventType', event.eventType, 'itemId', (event as { itemId: string }).itemId, 'quantity', (event as { quantity: number }).quantity, 'timestamp', event.timestamp)",
      ],
    ],
    fails: ['record'],
  },
  {
    mistake: 'a limit on the event store',
    changes: [
      ["redis.xadd(eventsOf(userId), '*'", "redis.xadd(eventsOf(userId), 'MAXLEN', '~', 1000, '*'"],
    ],
    fails: ['record'],
  },
  {
    mistake: 'quantities stay strings',
    changes: [['[itemId, Number(quantity)]', '[itemId, quantity as unknown as number]']],
    fails: ['read'],
  },
  {
    mistake: 'reads the cart of everybody',
    changes: [['redis.hgetall(`cart:current:${userId}`)', "redis.hgetall('cart:current')"]],
    fails: ['read'],
  },
  {
    mistake: 'a limit of 100,000',
    changes: [
      [
        "redis.xadd(eventsOf(userId), '*'",
        "redis.xadd(eventsOf(userId), 'MAXLEN', '~', 100_000, '*'",
      ],
    ],
    fails: ['record'],
  },
  {
    mistake: 'makes ids of timestamps',
    changes: [
      ["redis.xadd(eventsOf(userId), '*'", 'redis.xadd(eventsOf(userId), `${event.timestamp}-*`'],
    ],
    fails: ['record'],
  },
];
