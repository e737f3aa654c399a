import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'remembers what it has delivered before the delivery',
    changes: [
      [
        `    try {
      await untilGrace(`,
        "    const isNew = await redis.set(`sent:${channel}:${id}`, name(), 'NX');\n    try {\n      if (isNew) await untilGrace(",
      ],
      [
        'const BATCH = 1;',
        `const BATCH = 1;
const name = () => String(process.pid);`,
      ],
    ],
    fails: ['crash', 'late', 'retry'],
  },
  {
    mistake: 'never tries again',
    changes: [
      ['          await retryIdle(redis, channel, name, minIdleMs, settle, signal);\n', ''],
    ],
    fails: ['crash', 'late', 'retry', 'unexpected'],
  },
  {
    mistake: 'tries again at once, without end',
    changes: [
      [
        "const options = [minIdleMs, cursor, 'COUNT', 1] as const;",
        "const options = [Math.min(minIdleMs, 20), cursor, 'COUNT', 1] as const;",
      ],
      ['nextRetry = Date.now() + minIdleMs / 2;', 'nextRetry = Date.now() + 20;'],
    ],
    fails: ['crash', 'retry', 'share'],
  },
  {
    mistake: 'takes over only when there is nothing new',
    changes: [
      ['          await retryIdle(redis, channel, name, minIdleMs, settle, signal);\n', ''],
      [
        '        for (const entry of await readNew(reader, channel, name, blockMs)) {',
        `        const entries = await readNew(reader, channel, name, blockMs);
        if (entries.length === 0) await retryIdle(redis, channel, name, minIdleMs, settle, signal);
        for (const entry of entries) {`,
      ],
    ],
    fails: ['crash'],
  },
  {
    mistake: 'blocks for ever, and takes over in the same loop',
    changes: [['Math.max(1, Math.min(LONGEST_BLOCK_MS, nextRetry - Date.now()))', '0']],
    fails: ['crash', 'late', 'retry', 'unexpected'],
  },
  {
    mistake: 'acknowledges what it takes over, and does not deliver it',
    changes: [
      [
        'for (const entry of entries) if (entry) await settle(entry);',
        'for (const entry of entries) if (entry) await redis.xack(STREAM, groupOf(channel), entry[0]);',
      ],
    ],
    fails: ['crash', 'late', 'retry'],
  },
  {
    mistake: 'delivers all that it takes over',
    changes: [
      [
        '    for (const entry of entries) if (entry) await settle(entry);',
        `    for (const entry of entries) {
      if (!entry?.[1]) continue;
      try {
        await deliver(readNotification(entry[1]), entry[0]);
      } catch {
        continue;
      }
      await redis.xack(STREAM, groupOf(channel), entry[0]);
    }`,
      ],
      [
        `  settle: (entry: Entry) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {`,
        `  deliver: Deliver,
  signal: AbortSignal,
): Promise<void> {`,
      ],
      [
        'await retryIdle(redis, channel, name, minIdleMs, settle, signal);',
        'await retryIdle(redis, channel, name, minIdleMs, deliver, signal);',
      ],
    ],
    fails: ['retry', 'unexpected'],
  },
  {
    mistake: 'tries three times at once from the second attempt on',
    changes: [
      [
        '    for (const entry of entries) if (entry) await settle(entry);',
        `    for (const entry of entries) {
      if (!entry) continue;
      for (let attempt = 0; attempt < 3; attempt++) {
        await settle(entry);
        const [left] = (await redis.xpending(STREAM, groupOf(channel), entry[0], entry[0], 1)) as unknown[];
        if (!left) break;
      }
    }`,
      ],
    ],
    fails: ['retry'],
  },
  {
    mistake: 'gives up after five deliveries',
    changes: [
      [
        `    const [next, entries] = page as Claimed;
    for (const entry of entries) if (entry) await settle(entry);`,
        `    const [next, entries] = page as Claimed;
    for (const entry of entries) {
      if (!entry) continue;
      const [info] = (await redis.xpending(STREAM, groupOf(channel), entry[0], entry[0], 1)) as [string, string, number, number][];
      if (info && info[3] > 5) await redis.xack(STREAM, groupOf(channel), entry[0]);
      else await settle(entry);
    }`,
      ],
    ],
    fails: ['retry'],
  },
  {
    mistake: 'acknowledges what it takes over before the delivery',
    changes: [
      [
        '    for (const entry of entries) if (entry) await settle(entry);',
        `    for (const entry of entries) {
      if (!entry) continue;
      await redis.xack(STREAM, groupOf(channel), entry[0]);
      await settle(entry);
    }`,
      ],
    ],
    fails: ['crash', 'retry'],
  },
];
