import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'blocks for 5 seconds, and is not woken',
    changes: [
      ["  signal.addEventListener('abort', disconnect, { once: true });\n", ''],
      ['Math.max(1, Math.min(1000, nextReclaim - Date.now()))', '5000'],
    ],
    fails: ['crash', 'dead', 'share', 'stop', 'unexpected'],
  },
  {
    mistake: 'never blocks',
    changes: [
      [
        "['COUNT', 1, 'BLOCK', blockMs, 'STREAMS', STREAM, '>']",
        "['COUNT', 1, 'STREAMS', STREAM, '>']",
      ],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'leaves its connection open',
    changes: [
      [
        `  } finally {
    signal.removeEventListener('abort', disconnect);
    disconnect();
  }`,
        `  } finally {
    signal.removeEventListener('abort', disconnect);
  }`,
      ],
      ["  signal.addEventListener('abort', disconnect, { once: true });\n", ''],
      ['Math.min(1000, nextReclaim', 'Math.min(200, nextReclaim'],
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
    fails: ['ack', 'crash', 'share', 'stop', 'unexpected'],
  },
  {
    mistake: 'blocks on the connection that it was given, for ever',
    changes: [
      ['const reader = redis.duplicate();', 'const reader = redis;'],
      ['Math.max(1, Math.min(1000, nextReclaim - Date.now()))', '0'],
      ['  const disconnect = () => reader.disconnect();', '  const disconnect = () => {};'],
    ],
    fails: ['crash', 'dead', 'share', 'stop', 'unexpected'],
  },
  {
    mistake: 'works through a batch after it was told to stop',
    changes: [
      ["'COUNT', 1, 'BLOCK'", "'COUNT', 100, 'BLOCK'"],
      ['  if (signal?.aborted) return false;\n', ''],
    ],
    fails: ['share', 'stop', 'unexpected'],
    mayFail: ['crash'],
  },
  {
    mistake: 'leaves a connection open that has another name',
    changes: [
      ['redis.duplicate();', 'redis.duplicate({ connectionName: `${name}-reader` });'],
      ["  signal.addEventListener('abort', disconnect, { once: true });\n", ''],
      ['Math.min(1000, nextReclaim', 'Math.min(200, nextReclaim'],
      [
        `    signal.removeEventListener('abort', disconnect);
    disconnect();
`,
        '',
      ],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'works only once in a process',
    changes: [
      [
        'const PAGE = 100;',
        `const PAGE = 100;
let running = true;`,
      ],
      [
        'const disconnect = () => reader.disconnect();',
        `const disconnect = () => {
    running = false;
    reader.disconnect();
  };`,
      ],
      [
        `    while (!signal.aborted) {
      try {`,
        `    while (running) {
      try {`,
      ],
    ],
    fails: ['ack', 'crash', 'share', 'stop', 'unexpected'],
  },
  {
    mistake: 'acknowledges the rest of a batch when it stops',
    changes: [
      ["'COUNT', 1, 'BLOCK'", "'COUNT', 10, 'BLOCK'"],
      [
        '        for (const entry of entries) await settle(redis, entry, handleOrder, signal);',
        `        const failed = new Set<string>();
        for (const [id, fields] of entries) {
          if (signal.aborted) break;
          await handleOrder(readOrder(fields ?? []), id).catch(() => failed.add(id));
        }
        const done = entries.map(([id]) => id).filter((id) => !failed.has(id));
        if (done.length > 0) await redis.xack(STREAM, GROUP, ...done);`,
      ],
    ],
    fails: ['ack', 'stop', 'unexpected'],
  },
  {
    mistake: 'only listens for the abort',
    changes: [
      ['  if (signal.aborted) return;\n', '  let stopped = false;\n'],
      [
        'const disconnect = () => reader.disconnect();',
        'const disconnect = () => {\n    stopped = true;\n    reader.disconnect();\n  };',
      ],
      [
        '    while (!signal.aborted) {\n      try {\n        if (isBack)',
        '    while (!stopped) {\n      try {\n        if (isBack)',
      ],
      ['        if (signal.aborted) break;\n        const blockMs', '        const blockMs'],
    ],
    fails: ['stop'],
    mayFail: ['crash'],
  },
  {
    mistake: 'works a batch of ten off, whatever the signal says',
    changes: [
      ["const options = ['COUNT', 1, 'BLOCK'", "const options = ['COUNT', 10, 'BLOCK'"],
      [
        'for (const entry of entries) await settle(redis, entry, handleOrder, signal);',
        'for (const entry of entries) await settle(redis, entry, handleOrder);',
      ],
    ],
    fails: ['stop', 'unexpected'],
  },
  {
    mistake: 'does not wait for the reply to its XACK',
    changes: [
      [
        '  await redis.xack(STREAM, GROUP, id);\n  return true;',
        '  void redis.xack(STREAM, GROUP, id).catch(() => {});\n  return true;',
      ],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'stops every worker of its process',
    changes: [
      ['const PAGE = 100;', 'const PAGE = 100;\nlet stopping = false;'],
      ['  if (signal.aborted) return;\n', '  if (signal.aborted) return;\n  stopping = false;\n'],
      [
        'const disconnect = () => reader.disconnect();',
        'const disconnect = () => {\n    stopping = true;\n    reader.disconnect();\n  };',
      ],
      [
        '    while (!signal.aborted) {\n      try {\n        if (isBack)',
        '    while (!stopping) {\n      try {\n        if (isBack)',
      ],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'leaves a listener on the connection of its caller',
    changes: [
      [
        '  const reader = redis.duplicate();',
        "  redis.on('error', (error) => console.error(error));\n  const reader = redis.duplicate();",
      ],
    ],
    fails: ['stop', 'unexpected'],
  },
];
