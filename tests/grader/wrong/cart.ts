import type { Wrong } from './wrong.ts';

const APPLY_ONE_LINE =
  '  if not last or isNewer(id, last) then apply(id, eventType, itemId, quantity) end';
const ENTRY_BY_ENTRY = 'cart/entry-by-entry.ts';
const SET_LAST = "    redis.call('SET', lastKey, id)\n";

export const wrongCarts: readonly Wrong[] = [
  // Recording
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
      ['...Object.entries(event).flat());\n  if', "'event', JSON.stringify(event));\n  if"],
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

  // Applying
  {
    mistake: 'sets the quantity instead of adding',
    changes: [
      [
        "if redis.call('HINCRBY', cart, itemId, change) <= 0 then",
        "redis.call('HSET', cart, itemId, change)\n      if tonumber(change) <= 0 then",
      ],
    ],
    fails: [
      'apply',
      'once',
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
    mistake: 'only lines of exactly 0 go',
    changes: [['change) <= 0 then', 'change) == 0 then']],
    fails: ['apply', 'rebuild', 'project', 'share', 'crash', 'rebuild-live', 'zombie', 'snapshots'],
  },
  {
    mistake: 'a checkout leaves the cart as it is',
    changes: [["      redis.call('DEL', cart)\n    elseif", '      local done = true\n    elseif']],
    fails: [
      'apply',
      'once',
      'rebuild',
      'project',
      'share',
      'crash',
      'rebuild-live',
      'zombie',
      'snapshots',
    ],
  },
  {
    mistake: 'the last id is a field of the cart',
    changes: [
      [SET_LAST, "    redis.call('HSET', cart, '_last', id)\n    redis.call('SET', lastKey, id)\n"],
    ],
    fails: [
      'apply',
      'once',
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
    mistake: 'no guard against applying twice',
    changes: [[APPLY_ONE_LINE, '  apply(id, eventType, itemId, quantity)']],
    fails: ['once', 'rebuild', 'snapshots'],
  },
  {
    mistake: 'ids compared as text',
    changes: [
      [
        'local function less(a, b) return #a < #b or (#a == #b and a < b) end',
        'local function less(a, b) return a < b end',
      ],
    ],
    fails: ['once'],
  },
  {
    mistake: 'only the very last event is recognised',
    changes: [[APPLY_ONE_LINE, '  if last ~= id then apply(id, eventType, itemId, quantity) end']],
    fails: ['once', 'rebuild', 'snapshots'],
  },
  {
    mistake: 'compares in the program, and changes in another step',
    changes: [
      [
        '  await runScript(redis, APPLY_ONE, keysOf(userId), id, event.eventType, ...line);',
        "  const [, last] = keysOf(userId);\n  const [ms = 0, seq = 0] = id.split('-').map(Number);\n  const [lastMs = 0, lastSeq = 0] = ((await redis.get(last)) ?? '0-0').split('-').map(Number);\n  if (ms < lastMs || (ms === lastMs && seq <= lastSeq)) return;\n  await runScript(redis, APPLY_ONE, keysOf(userId), id, event.eventType, ...line);",
      ],
      [APPLY_ONE_LINE, '  apply(id, eventType, itemId, quantity)'],
    ],
    fails: ['once'],
  },
  {
    mistake: 'a checkout forgets the last id',
    changes: [
      [
        "      redis.call('DEL', cart)\n    elseif",
        "      redis.call('DEL', cart, lastKey)\n      return\n    elseif",
      ],
    ],
    fails: ['once', 'snapshots'],
    mayFail: ['share', 'zombie', 'crash', 'project', 'rebuild-live'],
  },

  // Reading
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

  // Rebuilding
  {
    mistake: 'rebuilds without clearing the cart',
    changes: [["  redis.call('DEL', cart, lastKey)\n", "  redis.call('DEL', lastKey)\n"]],
    fails: ['rebuild', 'snapshots'],
  },
  {
    mistake: 'clears the cart, and keeps the last id',
    changes: [["  redis.call('DEL', cart, lastKey)\n", "  redis.call('DEL', cart)\n"]],
    fails: ['rebuild', 'rebuild-live'],
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
        "  if ARGV[1] ~= 'snapshot' then redis.call('DEL', lastKey) end\n  if ARGV[1] == 'snapshot' and last then",
      ],
    ],
    fails: ['rebuild', 'snapshots'],
  },
  {
    mistake: 'returns 0',
    changes: [['  return users.length;', '  return 0;']],
    fails: ['rebuild', 'snapshots'],
  },
  {
    mistake: 'rebuilds only the carts that have a hash',
    changes: [
      [
        '  const users = await findUsers(redis);\n  for (const userId of users) await runScript(redis, REBUILD',
        "  const users = (await redis.keys('cart:current:*')).map((key) => key.slice('cart:current:'.length));\n  for (const userId of users) await runScript(redis, REBUILD",
      ],
    ],
    fails: ['rebuild', 'snapshots'],
  },
  {
    mistake: 'rebuilds through the group, with XREADGROUP 0',
    changes: [
      [
        '  for (const userId of users) await runScript(redis, REBUILD, keysOf(userId), keep);',
        "  for (const userId of users) {\n    const [cart, last, events] = keysOf(userId);\n    await redis.del(cart, last);\n    await createGroup(redis, userId);\n    const reply = await redis.xreadgroup('GROUP', GROUP, 'rebuilder', 'COUNT', 100_000, 'STREAMS', events, '0');\n    for (const [id, fields] of reply?.[0]?.[1] ?? []) {\n      const event: Record<string, string> = {};\n      for (let at = 0; at < (fields?.length ?? 0); at += 2) event[fields?.[at] ?? ''] = fields?.[at + 1] ?? '';\n      await applyEvent(redis, userId, id, event as unknown as CartEvent);\n    }\n  }\n  void keep;",
      ],
    ],
    fails: ['rebuild', 'snapshots'],
  },

  // Projecting
  {
    mistake: 'never acknowledges',
    changes: [
      [
        "for _, entry in ipairs(pending) do redis.call('XACK', events, ARGV[1], entry[1]) end",
        'local left = #pending',
      ],
    ],
    fails: [
      'project',
      'new-users',
      'redelivered',
      'stop',
      'share',
      'crash',
      'rebuild-live',
      'zombie',
    ],
  },
  {
    mistake: 'looks for users only when it starts',
    changes: [
      ['  let nextSweep = 0;\n', '  let nextSweep = 0;\n  const all = await findUsers(redis);\n'],
      ['      const all = await findUsers(redis);\n', ''],
    ],
    fails: ['new-users', 'share'],
  },
  {
    mistake: 'never looks at what is pending of others',
    changes: [
      [
        "  local pending = redis.call('XPENDING', events, ARGV[1], '-', last, 10000)",
        "  local pending = redis.call('XPENDING', events, ARGV[1], '-', last, 10000, ARGV[2])",
      ],
      [
        'await runScript(redis, PROJECT, keysOf(userId), GROUP);',
        'await runScript(redis, PROJECT, keysOf(userId), GROUP, name);',
      ],
      [
        'async function project(redis: Redis, userId: string)',
        'async function project(redis: Redis, name: string, userId: string)',
      ],
      [
        'if (sweep || !mine.has(userId)) await project(redis, userId);',
        'if (sweep || !mine.has(userId)) await project(redis, name, userId);',
      ],
      [
        '        else await project(redis, userId);',
        '        else await project(redis, name, userId);',
      ],
    ],
    fails: ['redelivered', 'crash', 'zombie'],
  },
  {
    mistake: 'applies what is delivered again once more',
    changes: [
      [
        '  local last = catchUp()\n  if not last then return end\n  local pending',
        "  local last = catchUp()\n  if not last then return end\n  for _, entry in ipairs(redis.call('XPENDING', events, ARGV[1], 'IDLE', 1000, '-', last, 100)) do\n    local found = redis.call('XRANGE', events, entry[1], entry[1])[1]\n    local event = {}\n    for at = 1, #found[2], 2 do event[found[2][at]] = found[2][at + 1] end\n    apply(last, event.eventType, event.itemId, event.quantity)\n  end\n  local pending",
      ],
    ],
    fails: ['redelivered', 'crash'],
  },
  {
    mistake: 'is not woken when it is told to stop',
    changes: [
      ["  signal.addEventListener('abort', disconnect, { once: true });\n", ''],
      ['const LONGEST_BLOCK_MS = 100;', 'const LONGEST_BLOCK_MS = 4000;'],
      ['leaseMs / 4', 'leaseMs'],
    ],
    fails: ['stop'],
    mayFail: ['share', 'new-users'],
  },
  {
    mistake: 'leaves its connection open',
    changes: [
      [
        "    signal.removeEventListener('abort', disconnect);\n    disconnect();",
        "    signal.removeEventListener('abort', disconnect);",
      ],
      ["  signal.addEventListener('abort', disconnect, { once: true });\n", ''],
    ],
    fails: ['stop'],
  },

  // Several projectors
  {
    mistake: 'the first projector takes everybody',
    changes: [
      [
        'return projectors.toSorted((a, b) => (weight(a) < weight(b) ? 1 : -1))[0];',
        'void [weight, userId];\n  return projectors.toSorted()[0];',
      ],
    ],
    fails: ['share'],
  },
  {
    mistake: 'a projector that dies keeps its users',
    changes: [["  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)\n", '']],
    fails: ['crash', 'zombie'],
  },
  {
    mistake: 'does not notice when one of three projectors is gone',
    changes: [
      [
        '      const projectors = await reportAlive(redis, name, leaseMs);\n',
        '      const alive = await reportAlive(redis, name, leaseMs);\n      projectors = projectors.length < 3 ? alive : projectors;\n',
      ],
      ['  let nextSweep = 0;\n', '  let nextSweep = 0;\n  let projectors: string[] = [];\n'],
    ],
    fails: ['crash'],
  },
  {
    mistake: 'snapshots the hash instead of the events',
    changes: [
      [
        "  redis.call('DEL', cart, lastKey)\n  local snapshot",
        "  if ARGV[1] ~= 'snapshot' then redis.call('DEL', cart, lastKey) end\n  local snapshot",
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
  },

  // Projectors that work entry by entry
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'the groups begin at $',
    changes: [["PREFIX + user, GROUP, '0', 'MKSTREAM'", "PREFIX + user, GROUP, '$', 'MKSTREAM'"]],
    fails: [
      'project',
      'new-users',
      'redelivered',
      'stop',
      'share',
      'crash',
      'rebuild-live',
      'zombie',
    ],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'a lease that does not end by itself',
    changes: [
      ["return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`;", 'return 1 end return 0`;'],
      ["token, 'PX', leaseMs, 'NX')", "token, 'NX')"],
      ['  leaseMs: number,\n): Promise<boolean> {', '  _leaseMs: number,\n): Promise<boolean> {'],
    ],
    fails: ['crash', 'zombie'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'a lease that is never given back',
    changes: [
      ['      await redis.eval(RELEASE, 1, leaseOf(user), token);\n', ''],
      [
        "return (await redis.set(leaseOf(user), token, 'PX', leaseMs, 'NX')) === 'OK';",
        "return (await redis.set(leaseOf(user), token, 'NX')) === 'OK' || (await redis.get(leaseOf(user))) === token;",
      ],
      ['token, leaseMs);\n  };', 'token, 1e9);\n  };'],
    ],
    fails: ['redelivered', 'crash', 'zombie'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'no lease: all read the stream of a user',
    changes: [
      ['      if (!(await takeLease(redis, user, token, leaseMs))) continue;\n', ''],
      ["  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {} end\n", ''],
      ['GROUP, name, 0, cursor', 'GROUP, name, leaseMs, cursor'],
    ],
    fails: ['zombie'],
    mayFail: ['share', 'crash'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'HINCRBY and XACK, without a look at the last id',
    changes: [
      [
        '    await applyEvent(redis, user, id, readEvent(fields));\n',
        "    await redis.eval(`${APPLY.replace('if last and not newer(id, last) then return end', '')} apply(ARGV[1], ARGV[2], ARGV[3], ARGV[4])`, 2, ...keysOf(user).slice(0, 2), id, ...['eventType', 'itemId', 'quantity'].map((name) => (fields.includes(name) ? (fields[fields.indexOf(name) + 1] ?? '') : '')));\n",
      ],
    ],
    fails: ['redelivered', 'rebuild-live', 'zombie'],
    mayFail: ['crash'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'what is new before what is pending',
    changes: [
      [
        "  let cursor = '0-0';\n  do {\n    const page",
        "  await readNew();\n  let cursor = '0-0';\n  do {\n    const page",
      ],
      [
        '  for (;;) {\n    const keys',
        '  async function readNew(): Promise<void> {\n   for (;;) {\n    const keys',
      ],
      [
        '    for (const entry of entries) await settle(entry);\n  }\n}',
        '    for (const entry of entries) await settle(entry);\n   }\n  }\n}',
      ],
    ],
    fails: ['crash'],
    mayFail: ['zombie'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'never takes over what is pending',
    changes: [
      [
        '    for (const entry of entries) if (entry) await settle(entry);\n    cursor = next;',
        '    cursor = next;',
      ],
      ['name, 0, cursor', 'name, 1e9, cursor'],
      ['const [next, entries] = page', 'const [next] = page'],
    ],
    fails: ['redelivered', 'crash', 'zombie'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'rebuilds in steps, while others apply events',
    changes: [
      [
        "  await Promise.all(users.map((user) => redis.eval(REBUILD, 4, ...keysOf(user), '')));\n",
        "  for (const user of users) {\n    const entries = await redis.xrange(PREFIX + user, '-', '+');\n    await redis.del(`cart:current:${user}`, `cart:last:${user}`);\n    for (const [id, fields] of entries) await applyEvent(redis, user, id, readEvent(fields));\n  }\n",
      ],
    ],
    fails: ['snapshots'],
    mayFail: ['rebuild-live'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'rebuilds by setting the groups back, and lets the projectors do it',
    changes: [
      [
        "  await Promise.all(users.map((user) => redis.eval(REBUILD, 4, ...keysOf(user), '')));\n",
        "  for (const user of users) {\n    await redis.del(`cart:current:${user}`, `cart:last:${user}`);\n    await redis.xgroup('SETID', PREFIX + user, GROUP, '0').catch(() => {});\n  }\n",
      ],
    ],
    fails: ['rebuild', 'snapshots'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'one lease for all users',
    changes: [
      [
        'const leaseOf = (user: string) => `cart:lease:${user}`;',
        "const leaseOf = (_user: string) => 'cart:lease';",
      ],
      ['      await redis.eval(RELEASE, 1, leaseOf(user), token);\n', ''],
      [
        "return (await redis.set(leaseOf(user), token, 'PX', leaseMs, 'NX')) === 'OK';",
        "return (\n    (await redis.set(leaseOf(user), token, 'PX', leaseMs, 'NX')) === 'OK' ||\n    (await redis.eval(RENEW, 1, leaseOf(user), token, leaseMs)) === 1\n  );",
      ],
    ],
    fails: ['share'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'no pause between two rounds',
    changes: [
      [
        '    await sleep(ROUND_MS, undefined, { signal }).catch(() => {});\n',
        '    await sleep(0);\n',
      ],
    ],
    fails: ['stop'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'BUSYGROUP ends the projector',
    changes: [
      [
        ".catch((error: Error) => {\n        if (!error.message.startsWith('BUSYGROUP')) throw error;\n      });",
        ';',
      ],
    ],
    fails: [
      'project',
      'new-users',
      'redelivered',
      'stop',
      'share',
      'crash',
      'rebuild-live',
      'zombie',
    ],
  },
];
