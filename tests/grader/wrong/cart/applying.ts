import type { Wrong } from '../wrong.ts';

const APPLY_ONE_LINE =
  '  if not last or isNewer(id, last) then apply(id, eventType, itemId, quantity) end';
const SET_LAST = "    redis.call('SET', lastKey, id)\n";

export const wrong: readonly Wrong[] = [
  {
    mistake: 'sets the quantity instead of adding',
    changes: [
      [
        "if redis.call('HINCRBY', cart, itemId, change) <= 0 then",
        `redis.call('HSET', cart, itemId, change)
      if tonumber(change) <= 0 then`,
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
      'unexpected',
    ],
  },
  {
    mistake: 'only lines of exactly 0 go',
    changes: [['change) <= 0 then', 'change) == 0 then']],
    fails: ['apply', 'rebuild', 'project', 'share', 'crash', 'rebuild-live', 'zombie', 'snapshots'],
  },
  {
    mistake: 'a checkout leaves the cart as it is',
    changes: [
      [
        `      redis.call('DEL', cart)
    elseif`,
        `      local done = true
    elseif`,
      ],
    ],
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
      'unexpected',
    ],
  },
  {
    mistake: 'the last id is a field of the cart',
    changes: [
      [
        SET_LAST,
        `    redis.call('HSET', cart, '_last', id)
    redis.call('SET', lastKey, id)
`,
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
      'unexpected',
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
    bodies: {
      applyEvent: `
  const line = event.eventType === 'cart:checkout' ? [] : [event.itemId, event.quantity];
  const [, last] = keysOf(userId);
  const [ms = 0, seq = 0] = id.split('-').map(Number);
  const [lastMs = 0, lastSeq = 0] = ((await redis.get(last)) ?? '0-0').split('-').map(Number);
  if (ms < lastMs || (ms === lastMs && seq <= lastSeq)) return;
  await runScript(redis, APPLY_ONE, keysOf(userId), id, event.eventType, ...line);
`,
    },
    changes: [[APPLY_ONE_LINE, '  apply(id, eventType, itemId, quantity)']],
    fails: ['once'],
  },
  {
    mistake: 'a checkout forgets the last id',
    changes: [
      [
        `      redis.call('DEL', cart)
    elseif`,
        `      redis.call('DEL', cart, lastKey)
      return
    elseif`,
      ],
    ],
    fails: ['once', 'snapshots'],
    mayFail: ['share', 'zombie', 'crash', 'project', 'rebuild-live', 'rebuild'],
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
    bodies: {
      applyEvent: `
  const line = event.eventType === 'cart:checkout' ? [] : [event.itemId, event.quantity];
  const [itemId = '', quantity = 0] = line;
  const script = \`\${APPLY}
    local last = redis.call('GET', lastKey)
    if not last or isNewer('\${id}', last) then apply('\${id}', '\${event.eventType}', '\${itemId}', \${quantity}) end\`;
  await runScript(redis, script, keysOf(userId));
`,
    },
    fails: ['apply'],
  },
  {
    mistake: 'remembers the id, and then changes the hash',
    bodies: {
      applyEvent: `
  if (!(await runScript(redis, APPLY_ONE, keysOf(userId), id))) return;
  const cart = \`cart:current:\${userId}\`;
  if (event.eventType === 'cart:checkout') await redis.del(cart);
  else {
    const change = event.eventType === 'item:add' ? event.quantity : -event.quantity;
    if ((await redis.hincrby(cart, event.itemId, change)) <= 0) await redis.hdel(cart, event.itemId);
  }
`,
    },
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
    ],
    fails: ['once'],
  },
  {
    mistake: 'a lock, and one step after the other',
    bodies: {
      applyEvent: `
  const lock = \`cart:lock:\${userId}\`;
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
  }
`,
    },
    fails: ['once'],
  },
  {
    mistake: 'compares ids as numbers of Lua',
    changes: [
      [
        'local function less(a, b) return #a < #b or (#a == #b and a < b) end',
        'local function less(a, b) return tonumber(a) < tonumber(b) end',
      ],
    ],
    fails: ['once'],
  },
  {
    base: 'cart/watch-multi.ts',
    mistake: 'compares ids as numbers of JavaScript',
    changes: [
      [
        "  const [ms = 0n, seq = 0n] = id.split('-').map(BigInt);\n",
        "  const [ms = 0, seq = 0] = id.split('-').map(Number);\n",
      ],
      [
        "  const [lastMs = 0n, lastSeq = 0n] = last.split('-').map(BigInt);\n",
        "  const [lastMs = 0, lastSeq = 0] = last.split('-').map(Number);\n",
      ],
    ],
    fails: ['once'],
  },
];
