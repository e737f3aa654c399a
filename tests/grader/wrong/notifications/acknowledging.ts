import type { Wrong } from '../wrong.ts';

const XACK = '  await redis.xack(STREAM, groupOf(channel), id);\n';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'one consumer name for all workers of a channel',
    changes: [
      [
        "const group = ['GROUP', groupOf(channel), name] as const;",
        "const group = ['GROUP', groupOf(channel), channel] as const;",
      ],
    ],
    fails: ['ack', 'share'],
  },
  {
    mistake: 'a group for each worker',
    changes: [
      [
        "const group = ['GROUP', groupOf(channel), name] as const;",
        `await reader.xgroup('CREATE', STREAM, name, '0').catch(() => {});
  const group = ['GROUP', name, name] as const;`,
      ],
      [XACK, `${XACK}  await redis.xack(STREAM, 'alice', id);\n`],
    ],
    fails: ['ack', 'late', 'retry', 'share', 'slow', 'stop', 'unexpected'],
    mayFail: ['crash'],
  },
  {
    mistake: 'takes notifications from workers that are alive',
    changes: [
      [
        "const options = [minIdleMs, cursor, 'COUNT', 1] as const;",
        "const options = [0, cursor, 'COUNT', 1] as const;",
      ],
      ['nextRetry = Date.now() + minIdleMs / 2;', 'nextRetry = Date.now() + 40;'],
    ],
    fails: ['crash', 'retry', 'share', 'unexpected'],
    mayFail: ['ack'],
  },
  {
    mistake: 'XACK before the delivery',
    changes: [
      [
        `    try {
      await untilGrace(`,
        `    await redis.xack(STREAM, groupOf(channel), id);
    try {
      await untilGrace(`,
      ],
    ],
    fails: ['ack', 'crash', 'late', 'retry', 'share', 'stop'],
  },
  {
    mistake: 'XACK in spite of an error',
    changes: [
      ['failed, and is tried again later:`, error);\n      return;\n', 'failed:`, error);\n'],
    ],
    fails: ['ack', 'late', 'retry', 'stop'],
  },
  {
    mistake: 'NOACK',
    changes: [
      [
        "'BLOCK', blockMs, 'STREAMS', STREAM, '>'] as const;",
        "'BLOCK', blockMs, 'NOACK', 'STREAMS', STREAM, '>'] as const;",
      ],
    ],
    fails: ['ack', 'crash', 'late', 'retry', 'share', 'stop'],
  },
  {
    mistake: 'the delivery is not awaited',
    changes: [
      [
        '      await untilGrace(deliver(notification, id), signal);',
        '      void deliver(notification, id).catch(console.error);',
      ],
    ],
    fails: ['ack', 'crash', 'late', 'retry', 'share', 'stop'],
  },
  {
    mistake: 'an error ends the loop',
    changes: [
      [
        '      console.error(`${channel}: delivery of ${id} failed, and is tried again later:`, error);\n      return;',
        '      throw error;',
      ],
    ],
    fails: ['ack', 'late', 'retry'],
  },
  {
    mistake: 'DELCONSUMER when it stops',
    changes: [
      [
        "    signal.removeEventListener('abort', disconnect);\n",
        `    await redis.xgroup('DELCONSUMER', STREAM, groupOf(channel), name);
    signal.removeEventListener('abort', disconnect);
`,
      ],
    ],
    fails: ['ack', 'retry', 'stop'],
  },
];
