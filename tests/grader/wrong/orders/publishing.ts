import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'the order as JSON in one field',
    changes: [
      [
        `...Object.entries(fields).flat(),
  );
  if (id === null)`,
        `'order',
    JSON.stringify(fields),
  );
  if (id === null)`,
      ],
    ],
    fails: ['publish'],
  },
  {
    mistake: 'a property forgotten',
    changes: [
      [
        'const fields = { productId, userId, quantity, timestamp };',
        'const fields = { productId, userId, quantity };',
      ],
    ],
    fails: ['publish'],
  },
  {
    mistake: 'returns the product, not the id',
    changes: [['  return id;\n', '  return productId;\n']],
    fails: ['publish', 'trim'],
  },
  {
    mistake: 'no limit',
    changes: [
      [
        `    'MAXLEN',
    '~',
    KEPT_ORDERS,
    '*',`,
        "    '*',",
      ],
    ],
    fails: ['trim'],
  },
  {
    mistake: 'a limit of 1,000',
    changes: [['KEPT_ORDERS = 10_000', 'KEPT_ORDERS = 1000']],
    fails: ['trim'],
  },
  {
    mistake: 'the limit behind the id, where it is a field',
    changes: [
      [
        `    'MAXLEN',
    '~',
    KEPT_ORDERS,
    '*',`,
        `    '*',
    'MAXLEN',
    KEPT_ORDERS,`,
      ],
    ],
    fails: ['publish', 'trim'],
  },
  {
    mistake: 'the group begins at $',
    changes: [["GROUP, '0', 'MKSTREAM'", "GROUP, '$', 'MKSTREAM'"]],
    fails: ['group', 'unexpected'],
  },
  {
    mistake: 'no MKSTREAM',
    changes: [["GROUP, '0', 'MKSTREAM'", "GROUP, '0'"]],
    fails: ['group'],
  },
  {
    mistake: 'BUSYGROUP is fatal',
    changes: [["    if (!isReply(error, 'BUSYGROUP')) throw error;", '    throw error;']],
    fails: [
      'ack',
      'crash',
      'dead',
      'group-again',
      'history',
      'share',
      'stop',
      'trimmed',
      'unexpected',
      'work',
    ],
  },
  {
    mistake: 'every error is swallowed',
    changes: [["    if (!isReply(error, 'BUSYGROUP')) throw error;", '    void error;']],
    fails: ['group-again'],
  },
  {
    mistake: 'the group is destroyed and made again',
    changes: [
      [
        `  try {
    await redis.xgroup(`,
        `  await redis.xgroup('DESTROY', STREAM, GROUP).catch(() => {});
  try {
    await redis.xgroup(`,
      ],
    ],
    fails: ['crash', 'dead', 'group-again', 'history', 'share', 'stop'],
    mayFail: ['unexpected'],
  },
  {
    mistake: 'looks whether there is a group, and makes it if not',
    bodies: {
      createGroup: `
  const there = await redis.exists(STREAM);
  const groups = there ? ((await redis.xinfo('GROUPS', STREAM)) as unknown[][]) : [];
  if (groups.some((group) => group[1] === GROUP)) return;
  await redis.xgroup('CREATE', STREAM, GROUP, '0', 'MKSTREAM');
`,
    },
    fails: ['group-again', 'unexpected'],
    mayFail: ['crash', 'dead', 'share', 'stop'],
  },
  {
    mistake: 'makes ids of timestamps',
    changes: [
      [
        `    KEPT_ORDERS,
    '*',`,
        `    KEPT_ORDERS,
    \`\${timestamp}-*\`,`,
      ],
    ],
    fails: ['publish', 'trim'],
  },
];
