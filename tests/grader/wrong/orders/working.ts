import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'numbers stay strings',
    changes: [
      [
        'return { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) };',
        'return { productId, userId, quantity, timestamp } as unknown as Order;',
      ],
    ],
    fails: ['crash', 'reclaim', 'work'],
  },
  {
    mistake: 'deletes what is done',
    changes: [
      [
        `  await redis.xack(STREAM, GROUP, id);
  return true;`,
        `  await redis.xack(STREAM, GROUP, id);
  await redis.xdel(STREAM, id);
  return true;`,
      ],
    ],
    fails: ['crash', 'reclaim', 'work'],
  },
  {
    mistake: 'no XACK',
    changes: [
      [
        `  await redis.xack(STREAM, GROUP, id);
  return true;`,
        '  return true;',
      ],
    ],
    fails: [
      'ack',
      'crash',
      'dead',
      'history',
      'reclaim',
      'share',
      'stop',
      'trimmed',
      'unexpected',
      'work',
    ],
  },
  {
    mistake: 'XACK before the handler',
    changes: [
      [
        `  try {
    await untilGrace(`,
        `  await redis.xack(STREAM, GROUP, id);
  try {
    await untilGrace(`,
      ],
    ],
    fails: ['ack', 'crash', 'dead', 'history', 'reclaim', 'share', 'unexpected'],
  },
  {
    mistake: 'XACK in a finally',
    changes: [
      [
        `    return false;
  }
  await redis.xack(STREAM, GROUP, id);
  return true;`,
        `    return false;
  } finally {
    await redis.xack(STREAM, GROUP, id);
  }
  return true;`,
      ],
    ],
    fails: ['ack', 'dead', 'history', 'reclaim', 'unexpected'],
  },
  {
    mistake: 'NOACK',
    changes: [
      [
        "'BLOCK', blockMs, 'STREAMS', STREAM, '>'] as const;",
        "'BLOCK', blockMs, 'NOACK', 'STREAMS', STREAM, '>'] as const;",
      ],
    ],
    fails: ['ack', 'crash', 'dead', 'history', 'share', 'unexpected'],
  },
  {
    mistake: 'the handler is not awaited',
    changes: [
      [
        '    await untilGrace(handleOrder(readOrder(fields), id), signal);',
        '    handleOrder(readOrder(fields), id).catch(console.error);',
      ],
    ],
    fails: ['ack', 'crash', 'dead', 'history', 'reclaim', 'share', 'stop', 'unexpected'],
  },
  {
    mistake: 'an error ends the loop',
    changes: [
      [
        '    console.error(`order ${id} failed, and is tried again later:`, error);\n    return false;',
        '    throw error;',
      ],
    ],
    fails: ['ack', 'dead', 'history', 'reclaim'],
  },
  {
    mistake: 'DELCONSUMER when it stops',
    changes: [
      [
        "    signal.removeEventListener('abort', disconnect);",
        `    await redis.xgroup('DELCONSUMER', STREAM, GROUP, name);
    signal.removeEventListener('abort', disconnect);`,
      ],
    ],
    fails: ['ack', 'unexpected'],
  },
  {
    mistake: 'one consumer name for all',
    changes: [["'GROUP', GROUP, name, ...options", "'GROUP', GROUP, 'worker', ...options"]],
    fails: ['ack', 'history', 'share'],
  },
  {
    mistake: 'a group for each worker',
    changes: [
      ["'GROUP', GROUP, name, ...options", "'GROUP', name, name, ...options"],
      [
        `  await createGroup(redis);
  const reader`,
        `  await createGroup(redis);
  await redis.xgroup('CREATE', STREAM, name, '0').catch(() => {});
  const reader`,
      ],
    ],
    fails: ['ack', 'dead', 'history', 'share', 'stop', 'unexpected'],
    mayFail: ['crash'],
  },
  {
    mistake: 'takes orders from workers that are alive',
    changes: [
      [
        'await reclaimOrders(redis, name, minIdleMs, handleOrder, signal);',
        'await reclaimOrders(redis, name, 0, handleOrder, signal);',
      ],
      ['nextReclaim = Date.now() + minIdleMs / 2;', 'nextReclaim = Date.now() + 50;'],
    ],
    fails: ['crash', 'dead', 'history', 'share', 'unexpected'],
    mayFail: ['ack'],
  },
  {
    mistake: 'reads fields by their position',
    bodies: {
      readOrder: `
  const [, productId = '', , userId = '', , quantity, , timestamp] = fields;
  return { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) };
`,
    },
    fails: ['crash', 'reclaim', 'work'],
  },
];
