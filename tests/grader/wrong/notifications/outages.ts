import type { Wrong } from '../wrong.ts';

const SWEEP = `          await retryIdle(redis, channel, name, minIdleMs, settle, signal);
          nextRetry = Date.now() + minIdleMs / 2;
`;
const FAILED =
  '      console.error(`${channel}: delivery of ${id} failed, and is tried again later:`, error);\n';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'waits twice as long after each failure',
    changes: [
      [
        SWEEP,
        `          await retryIdle(redis, channel, name, minIdleMs * 2 ** failures, settle, signal);\n          nextRetry = Date.now() + minIdleMs / 2;\n`,
      ],
      ['const GRACE_MS = 500;', 'const GRACE_MS = 500;\nlet failures = 0;'],
      [FAILED, `${FAILED}      failures++;\n`],
    ],
    fails: ['retry'],
    mayFail: ['crash', 'late', 'unexpected'],
  },
  {
    mistake: 'sweeps until nothing is left to take over',
    changes: [
      [
        "  } while (cursor !== '0-0' && !signal.aborted);\n",
        `    if (entries.length > 0) again = true;
    if (cursor === '0-0' && again) again = false;
    else if (cursor === '0-0') break;
  } while (!signal.aborted);
`,
      ],
      ["  let cursor = '0-0';\n", "  let cursor = '0-0';\n  let again = false;\n"],
    ],
    fails: ['retry'],
  },
  {
    mistake: 'sweeps every five times minIdleMs',
    changes: [
      ['nextRetry = Date.now() + minIdleMs / 2;', 'nextRetry = Date.now() + 5 * minIdleMs;'],
    ],
    fails: ['crash', 'retry'],
    mayFail: ['late', 'unexpected'],
  },
  {
    mistake: 'takes over the first one that is idle, and no other',
    changes: [
      [
        "  } while (cursor !== '0-0' && !signal.aborted);\n",
        "    cursor = '0-0';\n  } while (cursor !== '0-0');\n",
      ],
    ],
    fails: ['crash', 'retry'],
    mayFail: ['late', 'unexpected'],
  },
  {
    mistake: 'keeps what has to be tried again in its memory',
    changes: [
      [
        SWEEP,
        `          for (const [id, entry] of failed) {
            failed.delete(id);
            await settle(entry);
          }
          nextRetry = Date.now() + minIdleMs;
`,
      ],
      [
        '    let nextRetry = 0;\n',
        '    let nextRetry = 0;\n    const failed = failedOf(channel);\n',
      ],
      [FAILED, `${FAILED}      failedOf(channel).set(id, [id, fields]);\n`],
      [
        'const GRACE_MS = 500;',
        `const GRACE_MS = 500;
const allFailed = new Map<Channel, Map<string, Entry>>();
function failedOf(channel: Channel): Map<string, Entry> {
  const failed = allFailed.get(channel) ?? new Map<string, Entry>();
  allFailed.set(channel, failed);
  return failed;
}
`,
      ],
    ],
    fails: ['crash', 'retry', 'unexpected'],
    mayFail: ['stop'],
  },
  {
    mistake: 'gives a notification up after five failures',
    changes: [
      [
        FAILED,
        `${FAILED}      const range = await redis.xpending(STREAM, groupOf(channel), id, id, 1);
      const [[, , , deliveries] = []] = range as [string, string, number, number][];
      if ((deliveries ?? 0) >= 5) await redis.xack(STREAM, groupOf(channel), id);
`,
      ],
    ],
    fails: ['retry'],
  },
  {
    mistake: 'acknowledges its own history at the start',
    changes: [
      [
        '    let nextRetry = 0;\n',
        `    let nextRetry = 0;
    const reply = await redis.xreadgroup('GROUP', groupOf(channel), name, 'STREAMS', STREAM, '0');
    for (const [id] of reply?.[0]?.[1] ?? []) await redis.xack(STREAM, groupOf(channel), id);
`,
      ],
    ],
    fails: ['retry'],
    mayFail: ['ack', 'stop'],
  },
  {
    mistake: 'rests for three seconds after a failure',
    changes: [
      [FAILED, `${FAILED}      await new Promise((resolve) => setTimeout(resolve, 3000));\n`],
    ],
    fails: ['ack', 'retry', 'stop'],
    mayFail: ['late'],
  },
  {
    mistake: 'delivers the history of a late channel by itself, and forgets what fails',
    changes: [
      [
        '  if (signal.aborted) return;\n  await createGroup(redis, channel);\n',
        `  if (signal.aborted) return;
  const isNew = await redis.xgroup('CREATE', STREAM, groupOf(channel), '$', 'MKSTREAM').catch(() => undefined);
  if (isNew) {
    for (const [id, fields] of await redis.xrange(STREAM, '-', '+')) {
      const notification = readNotification(fields);
      if (!whatIsWrong(fields, channel) && ROUTES[notification.type]?.includes(channel)) {
        await deliver(notification, id).catch(() => {});
      }
    }
  }
`,
      ],
    ],
    fails: ['late', 'unexpected'],
  },
];
