import type { Wrong } from '../wrong.ts';

const ASIDE = "    await redis.xadd(DEAD_LETTERS, '*', ...explained);\n";

export const wrong: readonly Wrong[] = [
  {
    mistake: 'ends when its stream vanishes',
    bodies: { hasVanished: '\n  return error === undefined;\n' },
    fails: ['unexpected'],
  },
  {
    mistake: 'makes a vanished group again from the end',
    changes: [
      [
        '        if (!hasVanished(error)) throw error;\n        await createGroup(redis, channel);\n',
        "        if (!hasVanished(error)) throw error;\n        await redis.xgroup('CREATE', STREAM, groupOf(channel), '$', 'MKSTREAM').catch(() => {});\n",
      ],
    ],
    fails: ['unexpected'],
  },
  {
    mistake: 'finds every type, also constructor',
    changes: [['  return Object.hasOwn(ROUTES, type);', '  return type in ROUTES;']],
    fails: ['unexpected'],
  },
  {
    mistake: 'drops what is no notification',
    changes: [[ASIDE, '']],
    fails: ['unexpected'],
  },
  {
    mistake: 'does not say which channel has put it aside',
    changes: [
      [
        "'originalId', id, 'channel', channel, 'reason', reason",
        "'originalId', id, 'reason', reason",
      ],
    ],
    fails: ['unexpected'],
  },
  {
    mistake: 'delivers with a timestamp that is none',
    changes: [['  if (!/^\\d+$/.test(timestamp)) return', "  if (timestamp === '') return"]],
    fails: ['unexpected'],
  },
  {
    mistake: 'looks for names among the values too',
    bodies: {
      byName: `
  const values: Record<string, string | undefined> = {};
  for (const name of ['userId', 'type', 'message', 'timestamp']) {
    const at = fields.indexOf(name);
    values[name] = at === -1 ? undefined : fields[at + 1];
  }
  return values;
`,
    },
    fails: ['crash', 'deliver', 'late', 'retry', 'routes', 'share', 'slow', 'stop', 'unexpected'],
    mayFail: ['ack', 'every-group'],
  },
];
