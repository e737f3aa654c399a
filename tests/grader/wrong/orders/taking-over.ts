import type { Wrong } from '../wrong.ts';

const CURSOR = "  let cursor = '0-0';\n";
const BEGIN = `  let handled = 0;\n${CURSOR}`;

export const wrong: readonly Wrong[] = [
  {
    mistake: 'removes silent consumers without a look at what they hold',
    changes: [
      [
        CURSOR,
        `  const consumers = (await redis.xinfo('CONSUMERS', STREAM, GROUP)) as [string, string, string, number, string, number][];
  for (const [, consumer, , , , idleMs] of consumers) {
    if (consumer !== name && idleMs > 5 * minIdleMs) await redis.xgroup('DELCONSUMER', STREAM, GROUP, consumer);
  }
${CURSOR}`,
      ],
    ],
    fails: ['crash'],
    mayFail: ['dead'],
  },
  {
    mistake: 'trims the stream up to the oldest pending order',
    changes: [
      [
        '  await clearTrimmed(redis, name, minIdleMs);',
        `  const [, oldest] = (await redis.xpending(STREAM, GROUP)) as PendingSummary;
  if (oldest) await redis.xtrim(STREAM, 'MINID', oldest);
  await clearTrimmed(redis, name, minIdleMs);`,
      ],
    ],
    fails: ['crash', 'reclaim'],
    mayFail: ['dead', 'trimmed'],
  },
  {
    mistake: 'renews its hold without a look whether it still has it',
    changes: [
      [
        '    await untilGrace(handleOrder(readOrder(fields), id), signal);\n',
        `    const heartbeat = setInterval(() => {
      void redis.xclaim(STREAM, GROUP, me, 0, id, 'JUSTID').catch(() => {});
    }, beatMs);
    try {
      await untilGrace(handleOrder(readOrder(fields), id), signal);
    } finally {
      clearInterval(heartbeat);
    }
`,
      ],
      ['const PAGE = 100;', "const PAGE = 100;\nlet me = '';\nlet beatMs = 1000;"],
      [
        '  if (signal.aborted) return;\n',
        '  if (signal.aborted) return;\n  me = name;\n  beatMs = minIdleMs / 3;\n',
      ],
    ],
    fails: ['share'],
    mayFail: ['dead'],
  },
  {
    mistake: 'takes over under a lock that never ends',
    changes: [
      [
        BEGIN,
        `  if (signal && (await redis.set('orders:sweep', name, 'NX')) === null) return 0;
${BEGIN}`,
      ],
      [
        '  return handled;\n',
        "  if (signal) await redis.del('orders:sweep');\n  return handled;\n",
      ],
    ],
    fails: ['crash', 'dead'],
    mayFail: ['stop'],
  },
  {
    mistake: 'looks at the first fifty that are pending',
    bodies: {
      reclaimOrders: `
  let handled = 0;
  const range = (await redis.xpending(STREAM, GROUP, '-', '+', 50)) as PendingEntry[];
  for (const [id, , idleMs] of range) {
    if (idleMs < minIdleMs || signal?.aborted) continue;
    const [entry] = (await redis.xclaim(STREAM, GROUP, name, minIdleMs, id)) as Entry[];
    if (entry && (await settle(redis, entry, handleOrder, signal))) handled++;
  }
  await clearTrimmed(redis, name, minIdleMs);
  return handled;
`,
    },
    fails: ['crash', 'reclaim'],
    mayFail: ['trimmed'],
  },
  {
    mistake: 'handles what is idle without claiming it',
    bodies: {
      reclaimOrders: `
  let handled = 0;
  const range = (await redis.xpending(STREAM, GROUP, 'IDLE', minIdleMs, '-', '+', 10_000)) as PendingEntry[];
  for (const [id] of range) {
    if (signal?.aborted) break;
    const [entry] = await redis.xrange(STREAM, id, id);
    if (await settle(redis, entry ?? [id, null], handleOrder, signal)) handled++;
  }
  await clearTrimmed(redis, name, minIdleMs);
  return handled;
`,
    },
    fails: ['crash', 'dead', 'reclaim'],
  },
  {
    mistake: 'looks for what was left every five times minIdleMs',
    changes: [
      ['nextReclaim = Date.now() + minIdleMs / 2;', 'nextReclaim = Date.now() + 5 * minIdleMs;'],
    ],
    fails: ['crash', 'dead', 'unexpected'],
  },
];
