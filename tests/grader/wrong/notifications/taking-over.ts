import type { Wrong } from '../wrong.ts';

const CURSOR = "  let cursor = '0-0';\n";

export const wrong: readonly Wrong[] = [
  {
    mistake: 'takes over without a claim',
    bodies: {
      retryIdle: `
  const range = await redis.xpending(STREAM, groupOf(channel), 'IDLE', minIdleMs, '-', '+', 1000);
  for (const [id] of range as [string][]) {
    if (signal.aborted) return;
    const [entry] = await redis.xrange(STREAM, id, id);
    await settle(entry ?? [id, null]);
  }
  await redis.ping(name);
`,
    },
    fails: ['crash', 'retry'],
  },
  {
    mistake: 'removes silent consumers before it sweeps',
    changes: [
      [
        CURSOR,
        `  const consumers = (await redis.xinfo('CONSUMERS', STREAM, groupOf(channel))) as [string, string, string, number, string, number][];
  for (const [, consumer, , , , idleMs] of consumers) {
    if (consumer !== name && idleMs > 5 * minIdleMs) await redis.xgroup('DELCONSUMER', STREAM, groupOf(channel), consumer);
  }
${CURSOR}`,
      ],
    ],
    fails: ['crash'],
  },
  {
    mistake: 'trims what its own group has done',
    changes: [
      [
        CURSOR,
        `  const [, oldest] = (await redis.xpending(STREAM, groupOf(channel))) as [number, string | null];
  if (oldest) await redis.xtrim(STREAM, 'MINID', oldest);
${CURSOR}`,
      ],
    ],
    fails: ['crash', 'retry'],
    mayFail: ['late', 'stop', 'unexpected'],
  },
  {
    mistake: 'sweeps under a lock that never ends',
    changes: [
      [
        CURSOR,
        `  const lock = \`notifier:sweep:\${channel}\`;\n  if ((await redis.set(lock, name, 'NX')) === null) return;\n${CURSOR}`,
      ],
      [
        "  } while (cursor !== '0-0' && !signal.aborted);\n",
        "  } while (cursor !== '0-0' && !signal.aborted);\n  await redis.del(lock);\n",
      ],
    ],
    fails: ['crash'],
    mayFail: ['retry', 'stop'],
  },
  {
    mistake: 'looks at the first fifty that are pending',
    bodies: {
      retryIdle: `
  const range = await redis.xpending(STREAM, groupOf(channel), '-', '+', 50);
  for (const [id, , idleMs] of range as [string, string, number][]) {
    if (idleMs < minIdleMs || signal.aborted) continue;
    const [entry] = (await redis.xclaim(STREAM, groupOf(channel), name, minIdleMs, id)) as Entry[];
    if (entry) await settle(entry);
  }
`,
    },
    fails: ['crash'],
  },
];
