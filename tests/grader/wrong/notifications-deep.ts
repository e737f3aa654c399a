import type { Wrong } from './wrong.ts';

/** Mistakes that show only when one looks twice. */
export const deep: readonly Wrong[] = [
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
    fails: ['retry'],
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
    mistake: 'a limit of 100,000',
    changes: [["redis.xadd(STREAM, '*'", "redis.xadd(STREAM, 'MAXLEN', '~', 100_000, '*'"]],
    fails: ['keep'],
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
    fails: ['every-group'],
  },
  {
    mistake: 'acknowledges the rest of a batch when it stops',
    changes: [
      [
        `      for (const entry of await readNew(reader, redis, channel, name, blockMs, signal)) {
        // The rest of a batch that is left at a stop stays pending, and is taken over.
        if (signal.aborted) break;
        await settle(entry);
      }`,
        `      const batch = await readNew(reader, redis, channel, name, blockMs, signal);
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
    fails: ['retry'],
  },
  {
    mistake: 'missing groups begin at the end',
    changes: [
      [
        '  for (const channel of CHANNELS) await createGroup(redis, channel);',
        `  const there = (await redis.exists(STREAM)) ? ((await redis.xinfo('GROUPS', STREAM)) as unknown[][]) : [];
  for (const channel of CHANNELS) {
    try {
      await redis.xgroup('CREATE', STREAM, groupOf(channel), there.length > 0 ? '$' : '0', 'MKSTREAM');
    } catch (error) {
      if (!isReply(error, 'BUSYGROUP')) throw error;
    }
  }`,
      ],
    ],
    fails: ['groups-again'],
  },
];
