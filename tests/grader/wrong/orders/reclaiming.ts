import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'only the first page',
    changes: [
      ["  } while (cursor !== '0-0' && !signal?.aborted);", '  } while (false);'],
      ["cursor, 'COUNT', 1);", "cursor, 'COUNT', 100);"],
    ],
    fails: ['reclaim'],
  },
  {
    mistake: 'stops at the first empty page',
    changes: [
      ['    cursor = next;\n', "    cursor = entries.length === 0 ? '0-0' : next;\n"],
      ["cursor, 'COUNT', 1);", "cursor, 'COUNT', 5);"],
    ],
    fails: ['crash', 'reclaim'],
  },
  {
    mistake: 'takes over whatever is pending',
    changes: [
      [
        'await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor',
        'await redis.xautoclaim(STREAM, GROUP, name, 0, cursor',
      ],
    ],
    fails: ['crash', 'dead', 'history', 'reclaim', 'share', 'unexpected'],
  },
  {
    mistake: 'acknowledges what it takes over, and does not handle it',
    changes: [
      [
        '      if (await settle(redis, entry, handleOrder, signal)) handled++;',
        `      await redis.xack(STREAM, GROUP, entry[0]);
      handled++;`,
      ],
    ],
    fails: ['crash', 'dead', 'reclaim', 'trimmed'],
  },
  {
    mistake: 'handles what it takes over, and does not acknowledge it',
    changes: [
      [
        '      if (await settle(redis, entry, handleOrder, signal)) handled++;',
        `      await handleOrder(readOrder(entry[1]), entry[0]);
      handled++;`,
      ],
    ],
    fails: ['crash', 'dead', 'reclaim', 'stop', 'trimmed', 'unexpected'],
  },
  {
    mistake: 'returns nothing',
    changes: [['  return handled;\n', '  return 0;\n']],
    fails: ['reclaim', 'trimmed'],
  },
  {
    mistake: 'never takes over what others have left',
    changes: [
      ['          await reclaimOrders(redis, name, minIdleMs, handleOrder, signal);\n', ''],
    ],
    fails: ['crash', 'dead', 'unexpected'],
  },
  {
    mistake: 'takes over only when there is nothing new',
    changes: [
      ['          await reclaimOrders(redis, name, minIdleMs, handleOrder, signal);\n', ''],
      [
        '        const entries = await readNew(reader, name, blockMs);',
        `        const entries = await readNew(reader, name, blockMs);
        if (entries.length === 0 && !signal.aborted) {
          await reclaimOrders(redis, name, minIdleMs, handleOrder, signal);
        }`,
      ],
    ],
    fails: ['crash'],
  },
  {
    mistake: 'blocks for ever, and takes over in the same loop',
    changes: [['Math.max(1, Math.min(1000, nextReclaim - Date.now()))', '0']],
    fails: ['crash', 'dead', 'unexpected'],
  },
  {
    mistake: 'claims with a minimum of 0',
    changes: [
      [
        `    const page = await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor, 'COUNT', 1);
    const [next, entries] = page as Claimed;
`,
        `    const start = cursor === '0-0' ? '-' : \`(\${cursor}\`;
    const idle = (await redis.xpending(STREAM, GROUP, 'IDLE', minIdleMs, start, '+', PAGE)) as PendingEntry[];
    const next = idle.at(-1)?.[0] ?? '0-0';
    const ids = idle.map(([id]) => id);
    const entries = ids.length === 0 ? [] : ((await redis.xclaim(STREAM, GROUP, name, 0, ...ids)) as (Entry | null)[]);
`,
      ],
    ],
    fails: ['reclaim'],
    mayFail: ['crash'],
  },
  {
    mistake: 'never again tries what it has failed on',
    changes: [
      [
        'const PAGE = 100;',
        `const PAGE = 100;
const failed = new Set<string>();`,
      ],
      [
        `  try {
    await untilGrace(handleOrder(readOrder(fields), id), signal);
  } catch (error) {`,
        `  if (failed.has(id)) return false; // somebody else may try
  try {
    await untilGrace(handleOrder(readOrder(fields), id), signal);
  } catch (error) {
    failed.add(id);`,
      ],
    ],
    fails: ['dead', 'reclaim'],
  },
  {
    mistake: 'acknowledges what it has had before',
    changes: [
      [
        'const PAGE = 100;',
        `const PAGE = 100;
const seen = new Set<string>();`,
      ],
      [
        `  try {
    await untilGrace(`,
        `  if (seen.has(id)) {
    // We have had this one already: do not work on it twice.
    await redis.xack(STREAM, GROUP, id);
    return false;
  }
  seen.add(id);
  try {
    await untilGrace(`,
      ],
    ],
    fails: ['dead', 'reclaim'],
  },
  {
    mistake: 'takes over after half of minIdleMs',
    changes: [
      [
        'const page = await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor',
        'const page = await redis.xautoclaim(STREAM, GROUP, name, minIdleMs / 2, cursor',
      ],
    ],
    fails: ['reclaim'],
    mayFail: ['dead'],
  },
  {
    mistake: 'counts what has failed as handled',
    changes: [
      [
        '      if (await settle(redis, entry, handleOrder, signal)) handled++;',
        `      await settle(redis, entry, handleOrder, signal);
      handled++;`,
      ],
    ],
    fails: ['dead', 'reclaim'],
  },
  {
    mistake: 'takes a short page for the last one',
    changes: [
      ["minIdleMs, cursor, 'COUNT', 1);", "minIdleMs, cursor, 'COUNT', PAGE);"],
      [
        `    cursor = next;
`,
        `    cursor = entries.length < PAGE ? '0-0' : next;
`,
      ],
    ],
    fails: ['reclaim'],
  },
];
