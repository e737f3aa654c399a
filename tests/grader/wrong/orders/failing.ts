import type { Wrong } from '../wrong.ts';

const FAILED = '    console.error(`order ${id} failed, and is tried again later:`, error);\n';
const IN_HAND = '    await untilGrace(handleOrder(readOrder(fields), id), signal);\n';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'rests for three seconds after a failure',
    changes: [
      [FAILED, `${FAILED}    await new Promise((resolve) => setTimeout(resolve, 3000));\n`],
    ],
    fails: ['ack', 'dead', 'unexpected'],
    mayFail: ['history', 'reclaim', 'stop'],
  },
  {
    mistake: 'gives up after five failures in a row',
    changes: [
      [FAILED, `${FAILED}    if (++failuresInARow >= 5) throw new Error('too many failures');\n`],
      [
        '  await redis.xack(STREAM, GROUP, id);\n  return true;',
        '  failuresInARow = 0;\n  await redis.xack(STREAM, GROUP, id);\n  return true;',
      ],
      ['const PAGE = 100;', 'const PAGE = 100;\nlet failuresInARow = 0;'],
    ],
    fails: ['ack'],
    mayFail: ['dead'],
  },
  {
    mistake: 'ends when somebody else has acknowledged an order',
    changes: [
      [
        '  await redis.xack(STREAM, GROUP, id);\n  return true;',
        "  if ((await redis.xack(STREAM, GROUP, id)) === 0) throw new Error('not mine');\n  return true;",
      ],
    ],
    fails: ['ack', 'reclaim', 'unexpected'],
  },
  {
    mistake: 'takes the closed connection of a handler for its own',
    changes: [[FAILED, `    if (isReply(error, 'Connection is closed')) throw error;\n${FAILED}`]],
    fails: ['ack'],
  },
  {
    mistake: 'does not catch what a handler throws at once',
    changes: [
      [
        `  try {\n${IN_HAND}`,
        '  const handling = handleOrder(readOrder(fields), id);\n  try {\n    await untilGrace(handling, signal);\n',
      ],
    ],
    fails: ['ack'],
  },
  {
    mistake: 'expects every failure to have a message',
    changes: [[FAILED, '    console.error((error as Error).message);\n']],
    fails: ['ack'],
  },
];
