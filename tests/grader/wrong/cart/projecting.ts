import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'never acknowledges',
    changes: [["    redis.call('XACK', events, group, id)\n", '']],
    fails: [
      'project',
      'new-users',
      'redelivered',
      'stop',
      'share',
      'crash',
      'rebuild-live',
      'zombie',
      'unexpected',
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
      ["group, '-', '+', 10000)", "group, '-', '+', 10000, ARGV[3])"],
      ['DEAD], GROUP, userId);', 'DEAD], GROUP, userId, name);'],
      [
        'async function project(redis: Redis, userId: string)',
        'async function project(redis: Redis, name: string, userId: string)',
      ],
      [
        '(sweep || !mine.has(userId)) && !(await project(redis, userId))',
        '(sweep || !mine.has(userId)) && !(await project(redis, name, userId))',
      ],
      [
        'userId === undefined || !(await project(redis, userId))',
        'userId === undefined || !(await project(redis, name, userId))',
      ],
    ],
    fails: ['redelivered', 'crash', 'zombie'],
  },
  {
    mistake: 'applies what is delivered again once more',
    changes: [
      [
        '    local reason = entry and',
        `    if entry and pending[3] >= 1000 then apply(redis.call('GET', lastKey), fieldsOf(entry)) end
    local reason = entry and`,
      ],
    ],
    fails: ['redelivered', 'crash'],
    mayFail: ['share'],
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
        'return event.eventType, event.itemId, event.quantity',
        'return entry[2][2], entry[2][4], entry[2][6]',
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
      'unexpected',
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
    mistake: 'looks for a field among names and values',
    changes: [
      [
        "  const eventType = values.get('eventType');\n",
        `  for (const name of ['itemId', 'quantity', 'eventType']) {
    if (fields.includes(name)) values.set(name, fields[fields.indexOf(name) + 1] ?? '');
  }
  const eventType = values.get('eventType');
`,
      ],
    ],
    fails: ['project'],
  },
  {
    base: 'cart/watch-multi.ts',
    mistake: 'looks for a field among names and values',
    changes: [
      [
        '  return event;\n',
        `  for (const name of ['itemId', 'quantity', 'eventType']) {
    if (fields.includes(name)) event.set(name, fields[fields.indexOf(name) + 1] ?? '');
  }
  return event;
`,
      ],
    ],
    fails: ['project', 'rebuild'],
  },
];
