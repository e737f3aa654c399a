import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'notifications/batch-concurrency.ts',
    mistake: 'properties that are falsy (an empty message, timestamp 0) are left out',
    changes: [
      [
        '  for (const [key, value] of Object.entries(notification)) fields.push(key, String(value));\n',
        `  for (const [key, value] of Object.entries(notification))
    if (value) fields.push(key, String(value));
`,
      ],
    ],
    fails: ['send'],
  },
  {
    base: 'notifications/batch-concurrency.ts',
    mistake: 'knows NOGROUP only; the answer UNBLOCKED to a read that waits ends the notifier',
    changes: [
      [
        "        if (!message.startsWith('NOGROUP') && !message.startsWith('UNBLOCKED')) throw error;\n",
        "        if (!message.startsWith('NOGROUP')) throw error;\n",
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'notifications/batch-concurrency.ts',
    mistake: 'waits five seconds before it makes the group again',
    changes: [
      [
        "        if (!message.startsWith('NOGROUP') && !message.startsWith('UNBLOCKED')) throw error;\n",
        `        if (!message.startsWith('NOGROUP') && !message.startsWith('UNBLOCKED')) throw error;
        await Promise.race([aborted, sleep(5000)]); // Whoever deletes it may be about to make it again.
`,
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'notifications/batch-concurrency.ts',
    mistake: 'an XACK that answers 0 is taken for an error, and ends the notifier',
    changes: [
      [
        '    await ack;\n',
        '    if ((await ack) === 0) throw new Error(`${id} was not pending`);\n',
      ],
    ],
    fails: ['ack', 'unexpected'],
    mayFail: ['crash'],
  },
  {
    base: 'notifications/batch-concurrency.ts',
    mistake: 'Number() takes an empty timestamp for 0, and also 1e3, 0x10 and blanks',
    changes: [
      [
        '  if (!/^\\d+$/.test(timestamp))\n',
        '  if (!Number.isInteger(Number(timestamp)) || Number(timestamp) < 0)\n',
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'notifications/batch-concurrency.ts',
    mistake:
      'adds to notifications:dead under the original id: the second channel is refused, and rejects',
    changes: [["          '*',\n", '          id,\n']],
    fails: ['unexpected'],
  },
  {
    base: 'notifications/batch-concurrency.ts',
    mistake: 'acknowledges first, and then adds to notifications:dead',
    changes: [
      [
        '        const fields = original[0]?.[1] ?? flat;\n',
        `        const fields = original[0]?.[1] ?? flat;
        await redis.xack(STREAM, group, id);
`,
      ],
      [
        `        );
        await redis.xack(STREAM, group, id);
`,
        '        );\n',
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'notifications/batch-concurrency.ts',
    mistake: 'then() on what deliver returns: a deliver that throws at once ends the notifier',
    changes: [
      [
        `    try {
      await deliver(notification, id);
    } catch {
      return;
    }
    if (!open) return;
`,
        `    const delivered = await deliver(notification, id).then(
      () => true,
      () => false,
    );
    if (!delivered || !open) return;
`,
      ],
    ],
    fails: ['ack'],
  },
  {
    base: 'notifications/batch-concurrency.ts',
    mistake: 'looks for what has been idle for half of minIdleMs',
    changes: [['        minIdleMs,\n', '        Math.ceil(minIdleMs / 2),\n']],
    fails: ['retry'],
  },
  {
    base: 'notifications/batch-concurrency.ts',
    mistake: 'looks for idle ones every five seconds, whatever minIdleMs says',
    changes: [
      ['  let sweptAt = 0;\n', '  let sweptAt = Date.now() - 5000;\n'],
      ['  const sweepEvery = Math.min(250, minIdleMs / 2);\n', '  const sweepEvery = 5000;\n'],
    ],
    fails: ['crash', 'late', 'retry', 'unexpected'],
  },
  {
    base: 'notifications/batch-concurrency.ts',
    mistake: 'of the deliveries that run at the stop, waits only for the first to end',
    changes: [['      Promise.all(inFlight),\n', '      Promise.race(inFlight),\n']],
    fails: ['stop'],
  },
  {
    base: 'notifications/batch-concurrency.ts',
    mistake:
      'a flag in the module says that deliveries may be acknowledged no more: the first stop closes it for all',
    changes: [
      [
        'const GRACE = 500;\n',
        `const GRACE = 500;
let open = true;
`,
      ],
      ['  let open = true;\n', ''],
    ],
    fails: ['ack', 'crash', 'share', 'stop', 'unexpected'],
  },
];
