import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'blocks for 5 seconds, and is not woken',
    changes: [
      ["  signal.addEventListener('abort', disconnect, { once: true });\n", ''],
      ['Math.max(1, Math.min(LONGEST_BLOCK_MS, nextRetry - Date.now()))', '5000'],
    ],
    fails: ['ack', 'crash', 'late', 'retry', 'share', 'stop', 'unexpected'],
  },
  {
    mistake: 'never blocks',
    changes: [
      [
        "['COUNT', BATCH, 'BLOCK', blockMs, 'STREAMS', STREAM, '>']",
        "['COUNT', BATCH, 'STREAMS', STREAM, '>']",
      ],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'quits the connection of its caller',
    changes: [
      [
        `    signal.removeEventListener('abort', disconnect);
    disconnect();`,
        `    signal.removeEventListener('abort', disconnect);
    disconnect();
    await redis.quit();`,
      ],
    ],
    fails: ['ack', 'crash', 'share', 'slow', 'stop', 'unexpected'],
  },
  {
    mistake: 'blocks on the connection that it was given, for ever',
    changes: [
      ['const reader = redis.duplicate();', 'const reader = redis;'],
      ['Math.max(1, Math.min(LONGEST_BLOCK_MS, nextRetry - Date.now()))', '0'],
      ['  const disconnect = () => reader.disconnect();', '  const disconnect = () => {};'],
    ],
    fails: ['ack', 'crash', 'late', 'retry', 'share', 'slow', 'stop', 'unexpected'],
  },
  {
    mistake: 'acknowledges the rest of a batch when it stops',
    changes: [
      ['const BATCH = 1;', 'const BATCH = 10;'],
      [
        `        for (const entry of await readNew(reader, channel, name, blockMs)) {
          if (signal.aborted) break;
          await settle(entry);
        }`,
        `      const batch = await readNew(reader, channel, name, blockMs);
      const failed = new Set<string>();
      for (const [id, fields] of batch) {
        if (signal.aborted) break;
        const notification = readNotification(fields ?? []);
        if (!ROUTES[notification.type].includes(channel)) continue;
        await deliver(notification, id).catch(() => failed.add(id));
      }
      const done = batch.map(([id]) => id).filter((id) => !failed.has(id));
      if (done.length > 0) await redis.xack(STREAM, groupOf(channel), ...done);`,
      ],
    ],
    fails: ['ack', 'stop', 'unexpected'],
  },
  {
    mistake: 'waits for a delivery that hangs',
    bodies: { untilGrace: '\n  await delivery;\n' },
    fails: ['stop'],
  },
  {
    mistake: 'acknowledges what it leaves behind',
    changes: [
      [
        '      console.error(`${channel}: delivery of ${id} failed, and is tried again later:`, error);\n      return;',
        '      if (!signal.aborted) return;',
      ],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'only listens for the abort',
    changes: [
      [
        '  if (signal.aborted) return;\n  await createGroup',
        '  let stopped = false;\n  await createGroup',
      ],
      [
        'const disconnect = () => reader.disconnect();',
        'const disconnect = () => {\n    stopped = true;\n    reader.disconnect();\n  };',
      ],
      ['    while (!signal.aborted) {\n      try {', '    while (!stopped) {\n      try {'],
      ['        if (signal.aborted) break;\n        const blockMs', '        const blockMs'],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'does not wait for the reply to its XACK',
    changes: [
      [
        '  await redis.xack(STREAM, groupOf(channel), id);\n}',
        '  void redis.xack(STREAM, groupOf(channel), id).catch(() => {});\n}',
      ],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'stops every notifier of its process',
    changes: [
      ['const GRACE_MS = 500;', 'const GRACE_MS = 500;\nlet stopping = false;'],
      [
        '  if (signal.aborted) return;\n  await createGroup',
        '  if (signal.aborted) return;\n  stopping = false;\n  await createGroup',
      ],
      [
        'const disconnect = () => reader.disconnect();',
        'const disconnect = () => {\n    stopping = true;\n    reader.disconnect();\n  };',
      ],
      ['    while (!signal.aborted) {\n      try {', '    while (!stopping) {\n      try {'],
    ],
    fails: ['slow', 'stop'],
  },
];
