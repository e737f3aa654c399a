import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'the notification as JSON in one field',
    changes: [
      [
        `...Object.entries(fields).flat());
  if`,
        `'notification', JSON.stringify(fields));
  if`,
      ],
    ],
    fails: ['send'],
  },
  {
    mistake: 'a stream for each type',
    changes: [
      [
        "const id = await redis.xadd(STREAM, '*'",
        "const id = await redis.xadd(`${STREAM}:${type}`, '*'",
      ],
    ],
    fails: ['keep', 'send'],
  },
  {
    mistake: 'returns nothing',
    changes: [['  return id;\n', "  return '';\n"]],
    fails: ['send'],
  },
  {
    mistake: 'a limit of 10,000',
    changes: [
      [
        "const id = await redis.xadd(STREAM, '*'",
        "const id = await redis.xadd(STREAM, 'MAXLEN', '~', 10_000, '*'",
      ],
    ],
    fails: ['keep'],
  },
  {
    mistake: 'trims by age with MINID',
    changes: [
      [
        "const id = await redis.xadd(STREAM, '*'",
        "const id = await redis.xadd(STREAM, 'MINID', '~', Date.now() - 60_000, '*'",
      ],
    ],
    fails: ['keep'],
  },
  {
    mistake: 'the groups begin at $',
    changes: [["groupOf(channel), '0', 'MKSTREAM'", "groupOf(channel), '$', 'MKSTREAM'"]],
    fails: ['groups', 'groups-again', 'late', 'unexpected'],
  },
  {
    mistake: 'no MKSTREAM',
    changes: [["groupOf(channel), '0', 'MKSTREAM'", "groupOf(channel), '0'"]],
    fails: ['groups'],
  },
  {
    mistake: 'one group for all channels',
    changes: [['return `${channel}_notifier_group`;', "return 'email_notifier_group';"]],
    fails: [
      'every-group',
      'groups',
      'groups-again',
      'late',
      'retry',
      'routes',
      'slow',
      'unexpected',
    ],
  },
  {
    mistake: 'stops making groups at the first that exists',
    bodies: {
      createGroups: `
  try {
    for (const channel of CHANNELS) {
      await redis.xgroup('CREATE', STREAM, groupOf(channel), '0', 'MKSTREAM');
    }
  } catch (error) {
    if (!isReply(error, 'BUSYGROUP')) throw error;
  }
`,
    },
    fails: ['groups-again'],
  },
  {
    mistake: 'BUSYGROUP is fatal in createGroups',
    bodies: {
      createGroups: `
  for (const channel of CHANNELS) {
    await redis.xgroup('CREATE', STREAM, groupOf(channel), '0', 'MKSTREAM');
  }
`,
    },
    fails: ['groups-again', 'slow'],
  },
  {
    mistake: 'every error is swallowed',
    changes: [["    if (!isReply(error, 'BUSYGROUP')) throw error;", '    void error;']],
    fails: ['groups-again'],
  },
  {
    mistake: 'a limit of 100,000',
    changes: [["redis.xadd(STREAM, '*'", "redis.xadd(STREAM, 'MAXLEN', '~', 100_000, '*'"]],
    fails: ['keep'],
  },
  {
    mistake: 'missing groups begin at the end',
    bodies: {
      createGroups: `
  const there = (await redis.exists(STREAM)) ? ((await redis.xinfo('GROUPS', STREAM)) as unknown[][]) : [];
  for (const channel of CHANNELS) {
    try {
      await redis.xgroup('CREATE', STREAM, groupOf(channel), there.length > 0 ? '$' : '0', 'MKSTREAM');
    } catch (error) {
      if (!isReply(error, 'BUSYGROUP')) throw error;
    }
  }
`,
    },
    fails: ['groups-again'],
  },
];
