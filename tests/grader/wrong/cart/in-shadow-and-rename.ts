import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'cart/shadow-and-rename.ts',
    mistake: `RENAME takes the shadow's time to live along: eight seconds after a rebuild the cart is gone`,
    changes: [
      [
        `  redis.call('PERSIST', KEYS[4])
`,
        ``,
      ],
    ],
    fails: ['rebuild'],
  },
  {
    base: 'cart/shadow-and-rename.ts',
    mistake: `the snapshot's id is a field among the items: an item called \`id\` is overwritten by it`,
    changes: [
      [
        `  else redis.call('HSET', KEYS[2], string.sub(name, 3), lines[i + 1]) end
`,
        `  else redis.call('HSET', KEYS[2], name, lines[i + 1]) end
`,
      ],
      [
        `  for i = 1, #lines, 2 do redis.call('HSET', KEYS[6], 'i:' .. lines[i], lines[i + 1]) end
`,
        `  for i = 1, #lines, 2 do redis.call('HSET', KEYS[6], lines[i], lines[i + 1]) end
`,
      ],
    ],
    fails: ['snapshots'],
  },
  {
    base: 'cart/shadow-and-rename.ts',
    mistake: `XACK decides who writes the dead letter, so it comes first: a crash between the two loses the entry`,
    changes: [
      [
        `    if ((await redis.xpending(events(user), GROUP, id, id, 1)).length === 0) continue;
    const replies = await redis
      .multi()
      .xadd(DEAD, '*', ...fields, 'userId', user, 'originalId', id, 'reason', reason)
      .xack(events(user), GROUP, id)
      .exec();
    for (const [error] of replies ?? []) if (error) throw error;
`,
        `    if ((await redis.xack(events(user), GROUP, id)) === 0) continue;
    await redis.xadd(DEAD, '*', ...fields, 'userId', user, 'originalId', id, 'reason', reason);
`,
      ],
    ],
    fails: ['unexpected'],
  },
];
