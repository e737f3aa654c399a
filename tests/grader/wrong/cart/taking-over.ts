import type { Wrong } from '../wrong.ts';

const ENTRY_BY_ENTRY = 'cart/entry-by-entry.ts';
const NO_LOOK_AT_THE_LEASE = [
  "  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {} end\n",
  '',
] as const;

export const wrong: readonly Wrong[] = [
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'a lease by GET, and then SET',
    bodies: {
      takeLease: `
  if ((await redis.get(leaseOf(user))) !== null) return false;
  await redis.set(leaseOf(user), token, 'PX', leaseMs);
  return true;
`,
    },
    changes: [NO_LOOK_AT_THE_LEASE],
    fails: ['share'],
    mayFail: ['zombie', 'crash'],
  },
  {
    mistake: 'takes users over after 1000 ms, whatever leaseMs is',
    changes: [['reportAlive(redis, name, leaseMs)', 'reportAlive(redis, name, 1000)']],
    fails: ['share'],
  },
  {
    base: 'cart/hash-partition.ts',
    mistake: 'a sign of life that lasts for 1000 ms at most, whatever leaseMs is',
    changes: [["Date.now(), 'PX', leaseMs)", "Date.now(), 'PX', Math.min(leaseMs, 1000))"]],
    fails: ['share'],
  },
  {
    mistake: 'takes users over after six times leaseMs',
    changes: [['reportAlive(redis, name, leaseMs)', 'reportAlive(redis, name, 6 * leaseMs)']],
    fails: ['crash'],
  },
  {
    mistake: 'looks for what others have left every four leases',
    changes: [['nextSweep = Date.now() + leaseMs;', 'nextSweep = Date.now() + 4 * leaseMs;']],
    fails: ['redelivered'],
  },
  {
    mistake: 'looks for what others have left only when it starts',
    changes: [['nextSweep = Date.now() + leaseMs;', 'nextSweep = Number.POSITIVE_INFINITY;']],
    fails: ['redelivered'],
    mayFail: ['zombie', 'crash', 'unexpected'],
  },
  {
    mistake: 'does not think of pending entries that were trimmed away',
    changes: [
      [
        "    redis.call('XACK', events, group, id)\n",
        "    if entry then redis.call('XACK', events, group, id) end\n",
      ],
    ],
    fails: ['redelivered'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'reads its own history from 0, and skips what was trimmed away',
    changes: [
      [
        "  let cursor = '0-0';\n  do {",
        `  const history = await redis.xreadgroup('GROUP', GROUP, name, 'STREAMS', PREFIX + user, '0');
  for (const entry of history?.[0]?.[1] ?? []) if (entry[1]) await settle(entry as Entry);
  const open = (await redis.xpending(PREFIX + user, GROUP, '-', '+', 1000)) as [string, string][];
  if (open.length > 0 && open.every(([, consumer]) => consumer === name)) return;
  let cursor = '0-0';
  do {`,
      ],
    ],
    fails: ['redelivered'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'a lock round the take-over, without an end',
    changes: [
      [
        "  let cursor = '0-0';\n  do {",
        `  while (!signal.aborted && (await redis.set('cart:take-over', token, 'NX')) !== 'OK') await sleep(10);
  let cursor = '0-0';
  do {`,
      ],
      [
        "  } while (cursor !== '0-0' && !signal.aborted);\n",
        "  } while (cursor !== '0-0' && !signal.aborted);\n  await redis.del('cart:take-over');\n",
      ],
    ],
    fails: ['crash'],
    // A projector that is paused may have the lock.
    mayFail: ['zombie', 'share'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'an XACK that answers 0 is an error',
    changes: [
      [
        `      await applyEvent(redis, user, id, event);
      await redis.xack(PREFIX + user, GROUP, id);
`,
        `      await applyEvent(redis, user, id, event);
      if ((await redis.xack(PREFIX + user, GROUP, id)) === 0) throw new Error('it was not ours');
`,
      ],
    ],
    fails: ['project'],
    mayFail: ['zombie', 'share', 'crash'],
  },
  {
    mistake: 'looks for new users every three seconds',
    changes: [
      [
        '  let nextSweep = 0;\n',
        '  let nextSweep = 0;\n  let all: string[] = [];\n  let listed = 0;\n',
      ],
      [
        '      const all = await findUsers(redis);\n',
        `      if (Date.now() - listed > 3000) {
        all = await findUsers(redis);
        listed = Date.now();
      }
`,
      ],
    ],
    fails: ['new-users'],
    mayFail: ['share', 'stop', 'unexpected', 'rebuild-live', 'crash', 'zombie'],
  },
];
