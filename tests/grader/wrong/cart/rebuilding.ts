import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'rebuilds without clearing the cart',
    changes: [["  redis.call('DEL', cart, lastKey)\n", "  redis.call('DEL', lastKey)\n"]],
    fails: ['rebuild', 'snapshots', 'rebuild-live', 'unexpected'],
  },
  {
    mistake: 'clears the cart, and keeps the last id',
    changes: [["  redis.call('DEL', cart, lastKey)\n", "  redis.call('DEL', cart)\n"]],
    fails: ['rebuild', 'rebuild-live', 'unexpected'],
  },
  {
    mistake: 'reads only the first 1,000 events',
    changes: [
      [
        "redis.call('XRANGE', events, '(' .. last, '+')",
        "redis.call('XRANGE', events, '(' .. last, '+', 'COUNT', 1000)",
      ],
    ],
    fails: ['rebuild'],
  },
  {
    mistake: 'forgets the last id after a rebuild',
    changes: [
      [
        "  if ARGV[1] == 'snapshot' and last then",
        `  if ARGV[1] ~= 'snapshot' then redis.call('DEL', lastKey) end
  if ARGV[1] == 'snapshot' and last then`,
      ],
    ],
    fails: ['rebuild', 'snapshots', 'rebuild-live'],
  },
  {
    mistake: 'returns 0',
    changes: [['  return users.length;', '  return 0;']],
    fails: ['rebuild', 'snapshots'],
  },
  {
    mistake: 'rebuilds only the carts that have a hash',
    bodies: {
      rebuildAll: `
  const users = (await redis.keys('cart:current:*')).map((key) => key.slice('cart:current:'.length));
  for (const userId of users) await runScript(redis, REBUILD, keysOf(userId), keep);
  return users.length;
`,
    },
    fails: ['rebuild', 'snapshots'],
  },
  {
    mistake: 'rebuilds through the group, with XREADGROUP 0',
    bodies: {
      rebuildAll: `
  const users = await findUsers(redis);
  for (const userId of users) {
    const [cart, last, events] = keysOf(userId);
    await redis.del(cart, last);
    await createGroup(redis, userId);
    const reply = await redis.xreadgroup('GROUP', GROUP, 'rebuilder', 'COUNT', 100_000, 'STREAMS', events, '0');
    for (const [id, fields] of reply?.[0]?.[1] ?? []) {
      const event: Record<string, string> = {};
      for (let at = 0; at < (fields?.length ?? 0); at += 2) event[fields?.[at] ?? ''] = fields?.[at + 1] ?? '';
      await applyEvent(redis, userId, id, event as unknown as CartEvent);
    }
  }
  void keep;
  return users.length;
`,
    },
    fails: ['rebuild', 'snapshots', 'rebuild-live'],
  },
  {
    mistake: 'snapshots the hash instead of the events',
    changes: [
      [
        `  redis.call('DEL', cart, lastKey)
  local snapshot`,
        `  if ARGV[1] ~= 'snapshot' then redis.call('DEL', cart, lastKey) end
  local snapshot`,
      ],
    ],
    fails: ['snapshots'],
  },
  {
    mistake: 'a rebuild does not look at the snapshot',
    changes: [['  if snapshot then\n', '  if snapshot and false then\n']],
    fails: ['snapshots'],
  },
  {
    mistake: 'a snapshot without the id of its last event',
    changes: [["    redis.call('SET', lastKey, kept.last)\n", '']],
    fails: ['snapshots'],
    mayFail: ['unexpected'],
  },
  {
    mistake: 'rebuilds from the first 2,000 events',
    changes: [
      [
        "redis.call('XRANGE', events, '(' .. last, '+'))",
        "redis.call('XRANGE', events, '(' .. last, '+', 'COUNT', 2000))",
      ],
    ],
    fails: ['rebuild'],
  },
  {
    mistake: 'keeps snapshots in memory',
    changes: [
      [
        'const LONGEST_BLOCK_MS = 100;',
        `const LONGEST_BLOCK_MS = 100;
const snapshots = new Map<string, string>();`,
      ],
      [
        `  local snapshot = redis.call('GET', snapshotKey)
`,
        `  local snapshot = ARGV[2] ~= '' and ARGV[2]
`,
      ],
      [
        `    redis.call('SET', snapshotKey, cjson.encode({ last = last, lines = lines }))
`,
        `    return cjson.encode({ last = last, lines = lines })
`,
      ],
      [
        '  for (const userId of users) await runScript(redis, REBUILD, keysOf(userId), keep);',
        `  for (const userId of users) {
    const made = await runScript(redis, REBUILD, keysOf(userId), keep, snapshots.get(userId) ?? '');
    if (made) snapshots.set(userId, String(made));
  }`,
      ],
    ],
    fails: ['snapshots'],
  },
  {
    mistake: 'no snapshot of an empty cart',
    changes: [
      [
        `    local flat, lines = redis.call('HGETALL', cart), {}
`,
        `    local flat, lines = redis.call('HGETALL', cart), {}
    if #flat == 0 then return end
`,
      ],
    ],
    fails: ['snapshots'],
  },
  {
    mistake: 'forgets the last id when nothing is behind the snapshot',
    changes: [
      [
        `    redis.call('SET', lastKey, kept.last)
`,
        `    redis.call('SET', lastKey, kept.last)
    if #redis.call('XRANGE', events, '(' .. kept.last, '+', 'COUNT', 1) == 0 then redis.call('DEL', lastKey) return end
`,
      ],
    ],
    fails: ['snapshots', 'unexpected'],
  },
  {
    base: 'cart/watch-multi.ts',
    mistake: 'a rebuild skips empty carts',
    changes: [
      [
        'if (page.length === 0) return { cart, last };',
        'if (page.length === 0) return cart.size === 0 ? undefined : { cart, last };',
      ],
    ],
    fails: ['rebuild', 'snapshots'],
  },
];
