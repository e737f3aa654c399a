import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'puts aside what a living worker is busy with',
    changes: [
      [
        '  let handled = 0;\n',
        `  let handled = 0;
  for (const [id, , , deliveries] of (await redis.xpending(STREAM, GROUP, '-', '+', 1000)) as PendingEntry[]) {
    const [entry] = deliveries > MOST_DELIVERIES ? await redis.xrange(STREAM, id, id) : [];
    if (entry) await bury(redis, id, entry[1]);
  }
`,
      ],
    ],
    fails: ['dead'],
  },
  {
    mistake: 'puts nothing aside in reclaimOrders',
    changes: [
      ['  if (await isPoison(redis, id)) {', '  if (signal && (await isPoison(redis, id))) {'],
    ],
    fails: ['dead'],
  },
  {
    mistake: 'tries again what has failed at once',
    changes: [
      [
        '    console.error(`order ${id} failed, and is tried again later:`, error);\n    return false;',
        `    console.error('failed, once more:', error);
    if (!signal || tries >= 2) return false;
    await redis.xclaim(STREAM, GROUP, 'again', 0, id);
    return settle(redis, [id, fields], handleOrder, signal, tries + 1);`,
      ],
      [
        '  handleOrder: OrderHandler,\n  signal?: AbortSignal,\n): Promise<boolean> {',
        '  handleOrder: OrderHandler,\n  signal?: AbortSignal,\n  tries = 0,\n): Promise<boolean> {',
      ],
    ],
    fails: ['dead', 'history'],
    mayFail: ['ack'],
  },
];
