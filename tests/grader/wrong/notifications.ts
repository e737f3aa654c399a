import type { Wrong } from './wrong.ts';

const XACK = '  await redis.xack(STREAM, groupOf(channel), id);\n';

export const wrongNotifications: readonly Wrong[] = [
  // Sending
  {
    mistake: 'the notification as JSON in one field',
    changes: [
      [
        '...Object.entries(fields).flat());\n  if',
        "'notification', JSON.stringify(fields));\n  if",
      ],
    ],
    fails: ['send'],
  },
  {
    mistake: 'a stream for each type',
    changes: [
      [
        "const id = await redis.xadd(STREAM, '*'",
        "const id = await redis.xadd(`${STREAM}:${type}`, '*'",
      ],
    ],
    fails: ['send', 'keep'],
  },
  {
    mistake: 'returns nothing',
    changes: [['  return id;\n', "  return '';\n"]],
    fails: ['send'],
  },
  {
    mistake: 'a limit of 10,000',
    changes: [
      [
        "const id = await redis.xadd(STREAM, '*'",
        "const id = await redis.xadd(STREAM, 'MAXLEN', '~', 10_000, '*'",
      ],
    ],
    fails: ['keep'],
  },
  {
    mistake: 'trims by age with MINID',
    changes: [
      [
        "const id = await redis.xadd(STREAM, '*'",
        "const id = await redis.xadd(STREAM, 'MINID', '~', Date.now() - 60_000, '*'",
      ],
    ],
    fails: ['keep'],
  },

  // The groups
  {
    mistake: 'the groups begin at $',
    changes: [["groupOf(channel), '0', 'MKSTREAM'", "groupOf(channel), '$', 'MKSTREAM'"]],
    fails: ['groups', 'late', 'groups-again'],
  },
  {
    mistake: 'no MKSTREAM',
    changes: [["groupOf(channel), '0', 'MKSTREAM'", "groupOf(channel), '0'"]],
    fails: ['groups'],
  },
  {
    mistake: 'one group for all channels',
    changes: [['return `${channel}_notifier_group`;', "return 'email_notifier_group';"]],
    fails: ['groups', 'groups-again', 'routes', 'every-group', 'late', 'slow', 'retry'],
  },
  {
    mistake: 'stops making groups at the first that exists',
    changes: [
      [
        '  for (const channel of CHANNELS) await createGroup(redis, channel);',
        "  try {\n    for (const channel of CHANNELS) {\n      await redis.xgroup('CREATE', STREAM, groupOf(channel), '0', 'MKSTREAM');\n    }\n  } catch (error) {\n    if (!isReply(error, 'BUSYGROUP')) throw error;\n  }",
      ],
    ],
    fails: ['groups-again'],
  },
  {
    mistake: 'BUSYGROUP is fatal in createGroups',
    changes: [
      [
        '  for (const channel of CHANNELS) await createGroup(redis, channel);',
        "  for (const channel of CHANNELS) {\n    await redis.xgroup('CREATE', STREAM, groupOf(channel), '0', 'MKSTREAM');\n  }",
      ],
    ],
    fails: ['groups-again'],
  },
  {
    mistake: 'every error is swallowed',
    changes: [["    if (!isReply(error, 'BUSYGROUP')) throw error;", '    void error;']],
    fails: ['groups-again'],
  },

  // Delivering
  {
    mistake: 'the timestamp stays a string',
    changes: [
      [
        'message, timestamp: Number(timestamp) };',
        'message, timestamp: timestamp as unknown as number };',
      ],
    ],
    fails: ['deliver', 'crash'],
  },
  {
    mistake: 'delivers everything to every channel',
    changes: [
      [
        'if (notification && ROUTES[notification.type]?.includes(channel)) {',
        'if (notification) {',
      ],
    ],
    fails: ['routes', 'retry'],
  },
  {
    mistake: 'skips without XACK',
    changes: [
      [
        '  const notification = fields && readNotification(fields);\n',
        '  const notification = fields && readNotification(fields);\n  if (notification && !ROUTES[notification.type]?.includes(channel)) return;\n',
      ],
    ],
    fails: ['routes', 'late', 'retry'],
    mayFail: ['groups', 'groups-again'],
  },
  {
    mistake: 'deletes what it skips',
    changes: [
      [
        '  const notification = fields && readNotification(fields);\n',
        '  const notification = fields && readNotification(fields);\n  if (notification && !ROUTES[notification.type]?.includes(channel)) await redis.xdel(STREAM, id);\n',
      ],
    ],
    fails: ['routes'],
  },
  {
    mistake: 'deletes what it has delivered',
    changes: [[XACK, `${XACK}  await redis.xdel(STREAM, id);\n`]],
    fails: ['routes', 'every-group'],
    mayFail: ['slow', 'crash', 'retry'],
  },
  {
    mistake: 'trims the stream behind what it has delivered',
    changes: [[XACK, `${XACK}  await redis.xtrim(STREAM, 'MINID', '=', id);\n`]],
    fails: ['routes', 'every-group', 'retry', 'crash'],
  },
  {
    mistake: 'no XACK',
    changes: [[XACK, '']],
    fails: [
      'deliver',
      'routes',
      'every-group',
      'stop',
      'share',
      'ack',
      'retry',
      'crash',
      'late',
      'slow',
    ],
  },
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
    changes: [["      'BLOCK',\n      blockMs,\n", '']],
    fails: ['stop'],
  },
  {
    mistake: 'quits the connection of its caller',
    changes: [
      [
        "    signal.removeEventListener('abort', disconnect);\n    disconnect();",
        "    signal.removeEventListener('abort', disconnect);\n    disconnect();\n    await redis.quit();",
      ],
    ],
    fails: ['stop', 'slow'],
  },

  // Sharing, and acknowledging
  {
    mistake: 'one consumer name for all workers of a channel',
    changes: [
      [
        "const group = ['GROUP', groupOf(channel), name] as const;",
        "const group = ['GROUP', groupOf(channel), channel] as const;",
      ],
    ],
    fails: ['share', 'ack'],
  },
  {
    mistake: 'a group for each worker',
    changes: [
      [
        "const group = ['GROUP', groupOf(channel), name] as const;",
        "await redis.xgroup('CREATE', STREAM, name, '0').catch(() => {});\n  const group = ['GROUP', name, name] as const;",
      ],
      [XACK, `${XACK}  await redis.xack(STREAM, 'alice', id);\n`],
    ],
    fails: ['stop', 'share', 'ack', 'retry', 'slow'],
  },
  {
    mistake: 'takes notifications from workers that are alive',
    changes: [
      [
        "const options = [minIdleMs, cursor, 'COUNT', 1] as const;",
        "const options = [0, cursor, 'COUNT', 1] as const;",
      ],
      ['nextRetry = Date.now() + minIdleMs / 2;', 'nextRetry = Date.now() + 40;'],
    ],
    fails: ['share'],
    mayFail: ['ack', 'retry'],
  },
  {
    mistake: 'XACK before the delivery',
    changes: [
      [
        '    try {\n      await deliver',
        '    await redis.xack(STREAM, groupOf(channel), id);\n    try {\n      await deliver',
      ],
    ],
    fails: ['share', 'ack', 'retry', 'crash'],
  },
  {
    mistake: 'XACK in spite of an error',
    changes: [
      ['failed, and is tried again later:`, error);\n      return;\n', 'failed:`, error);\n'],
    ],
    fails: ['ack', 'retry'],
  },
  {
    mistake: 'NOACK',
    changes: [
      [
        "      'STREAMS',\n      STREAM,\n      '>',",
        "      'NOACK',\n      'STREAMS',\n      STREAM,\n      '>',",
      ],
    ],
    fails: ['share', 'ack', 'retry', 'crash', 'stop'],
  },
  {
    mistake: 'the delivery is not awaited',
    changes: [
      [
        '      await deliver(notification, id);',
        '      void deliver(notification, id).catch(console.error);',
      ],
    ],
    fails: ['share', 'ack', 'retry', 'crash'],
    mayFail: ['stop'],
  },
  {
    mistake: 'an error ends the loop',
    changes: [
      [
        '      console.error(`${channel}: delivery of ${id} failed, and is tried again later:`, error);\n      return;',
        '      throw error;',
      ],
    ],
    fails: ['ack', 'retry'],
  },
  {
    mistake: 'DELCONSUMER when it stops',
    changes: [
      [
        "    signal.removeEventListener('abort', disconnect);\n",
        "    await redis.xgroup('DELCONSUMER', STREAM, groupOf(channel), name);\n    signal.removeEventListener('abort', disconnect);\n",
      ],
    ],
    fails: ['ack', 'stop'],
  },

  // Trying again, and taking over
  {
    mistake: 'remembers what it has delivered before the delivery',
    changes: [
      [
        '    try {\n      await deliver',
        "    const isNew = await redis.set(`sent:${channel}:${id}`, name(), 'NX');\n    try {\n      if (isNew) await deliver",
      ],
      ['const BATCH = 10;', 'const BATCH = 10;\nconst name = () => String(process.pid);'],
    ],
    fails: ['retry', 'crash'],
  },
  {
    mistake: 'never tries again',
    changes: [['        await retryIdle(redis, channel, name, minIdleMs, settle, signal);\n', '']],
    fails: ['retry', 'crash'],
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
    fails: ['share', 'retry'],
  },
  {
    mistake: 'takes over only when there is nothing new',
    changes: [
      ['        await retryIdle(redis, channel, name, minIdleMs, settle, signal);\n', ''],
      [
        '      for (const entry of await readNew(reader, redis, channel, name, blockMs, signal)) {',
        '      const entries = await readNew(reader, redis, channel, name, blockMs, signal);\n      if (entries.length === 0) await retryIdle(redis, channel, name, minIdleMs, settle, signal);\n      for (const entry of entries) {',
      ],
    ],
    fails: ['crash'],
  },
  {
    mistake: 'blocks for ever, and takes over in the same loop',
    changes: [['Math.max(1, Math.min(LONGEST_BLOCK_MS, nextRetry - Date.now()))', '0']],
    fails: ['retry', 'crash'],
  },
  {
    mistake: 'acknowledges what it takes over, and does not deliver it',
    changes: [
      [
        'for (const entry of entries) if (entry) await settle(entry);',
        'for (const entry of entries) if (entry) await redis.xack(STREAM, groupOf(channel), entry[0]);',
      ],
    ],
    fails: ['retry', 'crash'],
  },
  {
    mistake: 'leaves the groups to createGroups',
    changes: [
      [
        '  // A group that is made today is given the whole history: the stream still has it.\n  await createGroup(redis, channel);\n',
        '',
      ],
      ['    await createGroup(redis, channel); // somebody', '    // somebody'],
    ],
    fails: ['late'],
  },
  {
    mistake: 'a group that comes late begins at the end',
    changes: [
      [
        '  await createGroup(redis, channel);\n  // Each',
        "  await redis.xgroup('CREATE', STREAM, groupOf(channel), '$', 'MKSTREAM').catch(() => {});\n  // Each",
      ],
    ],
    fails: ['late'],
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
    mistake: 'one delivery at a time in the whole process',
    changes: [
      [
        '      await deliver(notification, id);',
        '      queue = queue.catch(() => {}).then(() => deliver(notification, id));\n      await queue;',
      ],
      ['const BATCH = 10;', 'const BATCH = 10;\nlet queue: Promise<unknown> = Promise.resolve();'],
    ],
    fails: ['slow'],
  },
];
