import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'notifications/two-loops-generators.ts',
    mistake: 'the stream is kept short with MAXLEN ~ 1000',
    changes: [
      [
        `  const id = await redis.xadd(
    STREAM,
`,
        `  const id = await redis.xadd(
    STREAM,
    'MAXLEN',
    '~',
    1000,
`,
      ],
    ],
    fails: ['keep'],
  },
  {
    base: 'notifications/two-loops-generators.ts',
    mistake: 'a group that has vanished is made again from $',
    changes: [
      [
        'const createGroup = async (redis: Redis, group: string): Promise<void> => {\n',
        "const createGroup = async (redis: Redis, group: string, from = '0-0'): Promise<void> => {\n",
      ],
      [
        "    await redis.xgroup('CREATE', STREAM, group, '0-0', 'MKSTREAM');\n",
        "    await redis.xgroup('CREATE', STREAM, group, from, 'MKSTREAM');\n",
      ],
      [
        '        await createGroup(redis, group);\n',
        "        await createGroup(redis, group, '$');\n",
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'notifications/two-loops-generators.ts',
    mistake: '`type in ROUTES` finds constructor and toString as well, and falls over them',
    changes: [
      [
        'const isType = (type: string): type is NotificationType => Object.hasOwn(ROUTES, type);\n',
        'const isType = (type: string): type is NotificationType => type in ROUTES;\n',
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'notifications/two-loops-generators.ts',
    mistake:
      'a key remembers what is in notifications:dead already: only the first channel adds it',
    changes: [
      [
        `      await redis.xadd(
        DEAD,
        '*',
        ...(whole?.[1] ?? fields ?? []),
        'originalId',
        id,
        'channel',
        channel,
        'reason',
        parsed.reason,
      );
`,
        `      if (await redis.set(\`notifications:buried:\${id}\`, channel, 'NX'))
        await redis.xadd(
          DEAD,
          '*',
          ...(whole?.[1] ?? fields ?? []),
          'originalId',
          id,
          'channel',
          channel,
          'reason',
          parsed.reason,
        );
`,
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'notifications/two-loops-generators.ts',
    mistake:
      'remembers ids to deliver nothing twice, but before the delivery: a failed one is acknowledged at its second time',
    changes: [
      [
        `    ours.abort();
  };

`,
        `    ours.abort();
  };

  const seen = new Set<string>();
`,
      ],
      [
        '  const tryDelivery = async (notification: Notification, id: string): Promise<void> => {\n',
        `  const tryDelivery = async (notification: Notification, id: string): Promise<void> => {
    if (seen.has(id)) {
      await redis.xack(STREAM, group, id);
      return;
    }
    seen.add(id);
`,
      ],
    ],
    fails: ['late', 'retry'],
  },
  {
    base: 'notifications/two-loops-generators.ts',
    mistake:
      'XAUTOCLAIM COUNT 1 always from 0-0: it looks at ten entries, and never sees what is behind them',
    changes: [
      ["    let cursor = '0-0';\n", ''],
      [
        '      const [next, entries] = (await redis.xautoclaim(\n',
        '      const [, entries] = (await redis.xautoclaim(\n',
      ],
      ['        cursor,\n', "        '0-0',\n"],
      ['      cursor = next;\n', ''],
      [
        "      if (cursor === '0-0') await pause(Math.min(200, minIdle / 2));\n",
        '      if (entries.length === 0) await pause(Math.min(200, minIdle / 2));\n',
      ],
    ],
    fails: ['crash'],
  },
  {
    base: 'notifications/two-loops-generators.ts',
    mistake:
      'a lock without a time limit around the recovery: who dies in the middle of it leaves it locked',
    changes: [
      [
        "    let cursor = '0-0';\n",
        `    let cursor = '0-0';
    const lock = \`notifications:recovery:\${group}\`;
`,
      ],
      [
        `      const [next, entries] = (await redis.xautoclaim(
        STREAM,
        group,
        name,
        minIdle,
        cursor,
        'COUNT',
        1,
      )) as [string, Entry[]];
      cursor = next;
      yield* entries;
`,
        `      if (!(await redis.set(lock, name, 'NX'))) {
        await pause(20);
        continue;
      }
      try {
        const [next, entries] = (await redis.xautoclaim(
          STREAM,
          group,
          name,
          minIdle,
          cursor,
          'COUNT',
          1,
        )) as [string, Entry[]];
        cursor = next;
        yield* entries;
      } finally {
        await redis.del(lock);
      }
`,
      ],
    ],
    fails: ['crash'],
  },
  {
    base: 'notifications/two-loops-generators.ts',
    mistake:
      'what is idle is added to the stream again, and acknowledged: another id, and the other channels get it twice',
    changes: [
      [
        '      yield* entries;\n',
        `      for (const [id, fields] of entries) {
        if (fields) await redis.xadd(STREAM, '*', ...fields);
        await redis.xack(STREAM, group, id);
      }
`,
      ],
    ],
    fails: ['crash', 'late', 'retry'],
  },
  {
    base: 'notifications/two-loops-generators.ts',
    mistake: 'returns at once, and waits for no delivery that runs',
    changes: [
      ['  let stoppedAt = 0;\n', ''],
      ['    stoppedAt = Date.now();\n', ''],
      [
        `    const patience = new AbortController();
    const grace = delay(Math.max(0, stoppedAt + 500 - Date.now()), undefined, {
      signal: patience.signal,
    }).catch(() => {});
    await Promise.race([Promise.all(deliveries), grace]);
    patience.abort();
`,
        '',
      ],
    ],
    fails: ['stop'],
  },
  {
    base: 'notifications/two-loops-generators.ts',
    mistake: 'QUIT instead of a disconnect: it waits behind the read that blocks',
    changes: [
      [
        `    stoppedAt = Date.now();
    reader.disconnect();
`,
        `    stoppedAt = Date.now();
    reader.quit().catch(() => {});
`,
      ],
      ['        2000,\n', '        5000,\n'],
    ],
    fails: ['ack', 'share', 'stop', 'unexpected'],
  },
  {
    base: 'notifications/two-loops-generators.ts',
    mistake: 'only listens for the abort; a signal that is aborted already never tells',
    changes: [['  if (options.signal.aborted) return;\n', '']],
    fails: ['stop'],
  },
  {
    base: 'notifications/two-loops-generators.ts',
    mistake: 'adds the process id to the name: a restart does not come as the same consumer',
    changes: [
      [
        '  const minIdle = Math.max(1, Math.ceil(options.minIdleMs));\n',
        `  const minIdle = Math.max(1, Math.ceil(options.minIdleMs));
  const consumer = \`\${name}-\${globalThis.process.pid}\`;
`,
      ],
      [
        `        'GROUP',
        group,
        name,
`,
        `        'GROUP',
        group,
        consumer,
`,
      ],
      [
        `        STREAM,
        group,
        name,
`,
        `        STREAM,
        group,
        consumer,
`,
      ],
    ],
    fails: ['ack', 'share'],
  },
];
