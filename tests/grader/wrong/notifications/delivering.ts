import type { Wrong } from '../wrong.ts';

const XACK = '  await redis.xack(STREAM, groupOf(channel), id);\n';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'the timestamp stays a string',
    changes: [
      [
        'message, timestamp: Number(timestamp) };',
        'message, timestamp: timestamp as unknown as number };',
      ],
    ],
    fails: ['crash', 'deliver'],
  },
  {
    mistake: 'delivers everything to every channel',
    changes: [
      ['if (notification && ROUTES[notification.type].includes(channel)) {', 'if (notification) {'],
    ],
    fails: ['retry', 'routes'],
  },
  {
    mistake: 'skips without XACK',
    changes: [
      [
        '  const notification = fields && !reason && readNotification(fields);\n',
        `  const notification = fields && !reason && readNotification(fields);
  if (notification && !ROUTES[notification.type].includes(channel)) return;
`,
      ],
    ],
    fails: ['late', 'retry', 'routes', 'unexpected'],
    mayFail: ['groups', 'groups-again'],
  },
  {
    mistake: 'deletes what it skips',
    changes: [
      [
        '  const notification = fields && !reason && readNotification(fields);\n',
        `  const notification = fields && !reason && readNotification(fields);
  if (notification && !ROUTES[notification.type].includes(channel)) await redis.xdel(STREAM, id);
`,
      ],
    ],
    fails: ['retry', 'routes'],
  },
  {
    mistake: 'deletes what it has delivered',
    changes: [[XACK, `${XACK}  await redis.xdel(STREAM, id);\n`]],
    fails: ['crash', 'every-group', 'retry', 'routes', 'slow', 'unexpected'],
  },
  {
    mistake: 'trims the stream behind what it has delivered',
    changes: [[XACK, `${XACK}  await redis.xtrim(STREAM, 'MINID', '=', id);\n`]],
    fails: ['every-group', 'late', 'retry', 'routes'],
    // When all are slow, nothing is trimmed before it is taken over.
    mayFail: ['crash', 'unexpected'],
  },
  {
    mistake: 'no XACK',
    changes: [[XACK, '']],
    fails: [
      'ack',
      'crash',
      'deliver',
      'every-group',
      'late',
      'retry',
      'routes',
      'share',
      'slow',
      'stop',
      'unexpected',
    ],
  },
  {
    mistake: 'leaves the groups to createGroups',
    changes: [
      [
        `  await createGroup(redis, channel);
  const reader`,
        '  const reader',
      ],
      [
        `        if (!hasVanished(error)) throw error;
        await createGroup(redis, channel);`,
        '        if (!hasVanished(error)) throw error;',
      ],
    ],
    fails: ['late', 'unexpected'],
  },
  {
    mistake: 'a group that comes late begins at the end',
    changes: [
      [
        `  await createGroup(redis, channel);
  const reader`,
        `  await redis.xgroup('CREATE', STREAM, groupOf(channel), '$', 'MKSTREAM').catch(() => {});
  const reader`,
      ],
    ],
    fails: ['late', 'unexpected'],
  },
  {
    mistake: 'one delivery at a time in the whole process',
    changes: [
      [
        '      await untilGrace(deliver(notification, id), signal);',
        `      queue = queue.catch(() => {}).then(() => deliver(notification, id));
      await untilGrace(queue as Promise<void>, signal);`,
      ],
      [
        'const BATCH = 1;',
        `const BATCH = 1;
let queue: Promise<unknown> = Promise.resolve();`,
      ],
    ],
    fails: ['slow'],
  },
  {
    mistake: 'trims what all groups have had',
    changes: [
      [
        '        await retryIdle(redis, channel, name, minIdleMs, settle, signal);',
        `        await retryIdle(redis, channel, name, minIdleMs, settle, signal);
        await trimDone(redis);`,
      ],
      [
        'function groupOf(channel',
        `/** What all groups have been given is of no use any more. */
async function trimDone(redis: Redis): Promise<void> {
  const groups = (await redis.xinfo('GROUPS', STREAM)) as unknown[][];
  const ids = groups.map((group) => String(group[group.indexOf('last-delivered-id') + 1]));
  const num = (id: string) => id.split('-').map(Number) as [number, number];
  ids.sort((a, b) => num(a)[0] - num(b)[0] || num(a)[1] - num(b)[1]);
  if (ids[0]) await redis.xtrim(STREAM, 'MINID', ids[0]);
}

function groupOf(channel`,
      ],
    ],
    fails: ['every-group', 'late'],
    mayFail: ['retry'],
  },
];
