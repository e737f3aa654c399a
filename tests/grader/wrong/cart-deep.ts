import type { Wrong } from './wrong.ts';

/** Mistakes that show only when one looks twice. */
export const deep: readonly Wrong[] = [
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
  {
    mistake: 'makes one number of an id',
    changes: [
      [
        '    return less(lastMs, ms) or (lastMs == ms and less(lastSeq, seq))',
        '    return ms * 1000 + seq > lastMs * 1000 + lastSeq',
      ],
    ],
    fails: ['once'],
  },
  {
    mistake: 'pastes names into a script',
    changes: [
      [
        '  await runScript(redis, APPLY_ONE, keysOf(userId), id, event.eventType, ...line);',
        `  const [itemId = '', quantity = 0] = line;
  const script = \`\${APPLY}
    local last = redis.call('GET', lastKey)
    if not last or isNewer('\${id}', last) then apply('\${id}', '\${event.eventType}', '\${itemId}', \${quantity}) end\`;
  await runScript(redis, script, keysOf(userId));`,
      ],
    ],
    fails: ['apply'],
  },
  {
    mistake: 'remembers the id, and then changes the hash',
    changes: [
      [
        `  local id, eventType, itemId, quantity = unpack(ARGV)
  local last = redis.call('GET', lastKey)
  if not last or isNewer(id, last) then apply(id, eventType, itemId, quantity) end`,
        `  local last = redis.call('GET', lastKey)
  if last and not isNewer(ARGV[1], last) then return 0 end
  redis.call('SET', lastKey, ARGV[1])
  return 1`,
      ],
      [
        `  const line = event.eventType === 'cart:checkout' ? [] : [event.itemId, event.quantity];
  await runScript(redis, APPLY_ONE, keysOf(userId), id, event.eventType, ...line);`,
        `  if (!(await runScript(redis, APPLY_ONE, keysOf(userId), id))) return;
  const cart = \`cart:current:\${userId}\`;
  if (event.eventType === 'cart:checkout') await redis.del(cart);
  else {
    const change = event.eventType === 'item:add' ? event.quantity : -event.quantity;
    if ((await redis.hincrby(cart, event.itemId, change)) <= 0) await redis.hdel(cart, event.itemId);
  }`,
      ],
    ],
    fails: ['once'],
  },
  {
    mistake: 'a lock, and one step after the other',
    changes: [
      [
        `  const line = event.eventType === 'cart:checkout' ? [] : [event.itemId, event.quantity];
  await runScript(redis, APPLY_ONE, keysOf(userId), id, event.eventType, ...line);`,
        `  const lock = \`cart:lock:\${userId}\`;
  while ((await redis.set(lock, '1', 'PX', 2000, 'NX')) !== 'OK') await new Promise((go) => setTimeout(go, 2));
  try {
    const last = (await redis.get(\`cart:last:\${userId}\`)) ?? '0-0';
    const [ms = 0, seq = 0] = id.split('-').map(Number);
    const [lastMs = 0, lastSeq = 0] = last.split('-').map(Number);
    if (ms < lastMs || (ms === lastMs && seq <= lastSeq)) return;
    const cart = \`cart:current:\${userId}\`;
    if (event.eventType === 'cart:checkout') await redis.del(cart);
    else {
      const change = event.eventType === 'item:add' ? event.quantity : -event.quantity;
      if ((await redis.hincrby(cart, event.itemId, change)) <= 0) await redis.hdel(cart, event.itemId);
    }
    await redis.set(\`cart:last:\${userId}\`, id);
  } finally {
    await redis.del(lock);
  }`,
      ],
    ],
    fails: ['once'],
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
    mistake: 'reads fields by their position',
    changes: [
      [
        `      for at = 1, #entry[2], 2 do event[entry[2][at]] = entry[2][at + 1] end
`,
        `      event.eventType, event.itemId, event.quantity = entry[2][2], entry[2][4], entry[2][6]
`,
      ],
    ],
    fails: [
      'rebuild',
      'project',
      'new-users',
      'redelivered',
      'stop',
      'share',
      'crash',
      'rebuild-live',
      'zombie',
      'snapshots',
    ],
  },
  {
    mistake: 'one consumer name for all',
    changes: [
      ["reader.xreadgroup('GROUP', GROUP, name,", "reader.xreadgroup('GROUP', GROUP, 'projector',"],
    ],
    fails: ['project'],
  },
  {
    base: 'cart/entry-by-entry.ts',
    mistake: 'acknowledges before it applies',
    changes: [
      [
        `    await applyEvent(redis, user, id, readEvent(fields));
    await redis.xack(PREFIX + user, GROUP, id);
`,
        `    await redis.xack(PREFIX + user, GROUP, id);
    await applyEvent(redis, user, id, readEvent(fields));
`,
      ],
    ],
    fails: ['project'],
  },
  {
    base: 'cart/entry-by-entry.ts',
    mistake: 'takes over one page only',
    changes: [
      [
        `  } while (cursor !== '0-0');
  for`,
        `  } while (false);
  for`,
      ],
    ],
    fails: ['crash'],
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
    fails: ['snapshots'],
  },
];
