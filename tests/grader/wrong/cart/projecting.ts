import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
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
      [
        '  let nextSweep = 0;\n',
        `  let nextSweep = 0;
  const all = await findUsers(redis);
`,
      ],
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
        `  local last = catchUp()
  if not last then return end
  local pending`,
        `  local last = catchUp()
  if not last then return end
  for _, entry in ipairs(redis.call('XPENDING', events, ARGV[1], 'IDLE', 1000, '-', last, 100)) do
    local found = redis.call('XRANGE', events, entry[1], entry[1])[1]
    local event = {}
    for at = 1, #found[2], 2 do event[found[2][at]] = found[2][at + 1] end
    apply(last, event.eventType, event.itemId, event.quantity)
  end
  local pending`,
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
        `    signal.removeEventListener('abort', disconnect);
    disconnect();`,
        "    signal.removeEventListener('abort', disconnect);",
      ],
      ["  signal.addEventListener('abort', disconnect, { once: true });\n", ''],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'the first projector takes everybody',
    bodies: {
      ownerOf: `
  return projectors.toSorted()[0];
`,
    },
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
        `      const alive = await reportAlive(redis, name, leaseMs);
      projectors = projectors.length < 3 ? alive : projectors;
`,
      ],
      [
        '  let nextSweep = 0;\n',
        `  let nextSweep = 0;
  let projectors: string[] = [];
`,
      ],
    ],
    fails: ['crash'],
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
];
