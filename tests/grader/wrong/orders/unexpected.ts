import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'ends when its stream vanishes',
    bodies: { hasVanished: '\n  return error === undefined;\n' },
    fails: ['unexpected'],
  },
  {
    mistake: 'never makes the group',
    changes: [
      [
        '  if (signal.aborted) return;\n  await createGroup(redis);\n',
        '  if (signal.aborted) return;\n',
      ],
      [
        '        if (!hasVanished(error)) throw error;\n        await createGroup(redis);\n',
        '        if (!hasVanished(error)) throw error;\n        await new Promise((resolve) => setTimeout(resolve, 50));\n',
      ],
    ],
    fails: ['unexpected'],
  },
  {
    mistake: 'makes a vanished group again from the end',
    changes: [
      [
        '        if (!hasVanished(error)) throw error;\n        await createGroup(redis);\n',
        "        if (!hasVanished(error)) throw error;\n        await redis.xgroup('CREATE', STREAM, GROUP, '$', 'MKSTREAM').catch(() => {});\n",
      ],
    ],
    fails: ['unexpected'],
  },
  {
    mistake: 'hands out whatever comes',
    bodies: { whatIsWrong: '\n  return fields.length < 0 ? "" : undefined;\n' },
    fails: ['unexpected'],
  },
  {
    mistake: 'drops what is no order',
    changes: [
      [
        "    await bury(redis, id, [...fields, 'reason', reason]);\n",
        '    await redis.xack(STREAM, GROUP, id);\n',
      ],
    ],
    fails: ['unexpected'],
  },
  {
    mistake: 'leaves what is no order pending',
    changes: [["    await bury(redis, id, [...fields, 'reason', reason]);\n", '']],
    fails: ['unexpected'],
  },
  {
    mistake: 'stops at what is no order',
    changes: [
      [
        "    await bury(redis, id, [...fields, 'reason', reason]);\n",
        '    throw new Error(reason);\n',
      ],
    ],
    fails: ['unexpected'],
  },
  {
    mistake: 'reads the number at the beginning of a text',
    bodies: {
      isWholeNumber: `
  return Number.parseInt(text ?? '', 10) >= least;
`,
    },
    fails: ['unexpected'],
  },
  {
    mistake: 'says no reason',
    changes: [["[...fields, 'reason', reason]", 'fields']],
    fails: ['unexpected'],
  },
  {
    mistake: 'waits for a handler that hangs',
    bodies: { untilGrace: '\n  await handling;\n' },
    fails: ['unexpected'],
  },
  {
    mistake: 'acknowledges what it leaves behind',
    changes: [
      [
        '    console.error(`order ${id} failed, and is tried again later:`, error);\n    return false;',
        '    if (!signal?.aborted) return false;',
      ],
    ],
    fails: ['unexpected'],
  },
  {
    mistake: 'acknowledges a handler that ends long after the stop',
    changes: [
      [
        '    console.error(`order ${id} failed, and is tried again later:`, error);\n    return false;',
        '    if (late) void late.then(() => redis.xack(STREAM, GROUP, id)).catch(() => {});\n    return false;',
      ],
      [
        '  try {\n    await untilGrace(handleOrder(readOrder(fields), id), signal);',
        '  let late: Promise<void> | undefined;\n  try {\n    late = handleOrder(readOrder(fields), id);\n    await untilGrace(late, signal);',
      ],
    ],
    fails: ['unexpected'],
  },
];
