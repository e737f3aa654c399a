import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'blocks for 5 seconds, and is not woken',
    changes: [
      ["  signal.addEventListener('abort', disconnect, { once: true });\n", ''],
      ['Math.max(1, Math.min(LONGEST_BLOCK_MS, nextRetry - Date.now()))', '5000'],
    ],
    fails: ['stop', 'retry', 'crash'],
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
    fails: ['stop', 'slow'],
  },
  {
    mistake: 'blocks on the connection that it was given, for ever',
    changes: [
      ['const reader = redis.duplicate();', 'const reader = redis;'],
      ['Math.max(1, Math.min(LONGEST_BLOCK_MS, nextRetry - Date.now()))', '0'],
      ['  const disconnect = () => reader.disconnect();', '  const disconnect = () => {};'],
    ],
    fails: ['stop', 'retry', 'crash'],
    mayFail: ['slow'],
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
    fails: ['stop'],
  },
];
