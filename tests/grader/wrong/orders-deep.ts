import type { Wrong } from './wrong.ts';

/** Mistakes that show only when one looks twice. */
export const deep: readonly Wrong[] = [
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
    await handleOrder(readOrder(fields), id);
  } catch (error) {`,
        `  if (failed.has(id)) return false; // somebody else may try
  try {
    await handleOrder(readOrder(fields), id);
  } catch (error) {
    failed.add(id);`,
      ],
    ],
    fails: ['reclaim'],
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
    await handleOrder(readOrder(fields), id);`,
        `  if (seen.has(id)) {
    // We have had this one already: do not work on it twice.
    await redis.xack(STREAM, GROUP, id);
    return false;
  }
  seen.add(id);
  try {
    await handleOrder(readOrder(fields), id);`,
      ],
    ],
    fails: ['reclaim'],
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
  },
  {
    mistake: 'counts what has failed as handled',
    changes: [
      [
        '      if (await settle(redis, entry, handleOrder)) handled++;',
        `      await settle(redis, entry, handleOrder);
      handled++;`,
      ],
    ],
    fails: ['reclaim'],
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
  {
    mistake: 'counts only the first 1,000',
    changes: [
      [
        `  const [, , , consumers] = (await redis.xpending(STREAM, GROUP)) as PendingSummary;
  return Object.fromEntries((consumers ?? []).map(([name, count]) => [name, Number(count)]));`,
        `  const counts: Record<string, number> = {};
  const range = (await redis.xpending(STREAM, GROUP, '-', '+', 1000)) as PendingEntry[];
  for (const [, name] of range) counts[name] = (counts[name] ?? 0) + 1;
  return counts;`,
      ],
    ],
    fails: ['pending'],
  },
  {
    mistake: 'reads fields by their position',
    changes: [
      [
        `  const values: Record<string, string> = {};
  for (let at = 0; at < fields.length; at += 2) values[fields[at] ?? ''] = fields[at + 1] ?? '';
  const { productId = '', userId = '', quantity, timestamp } = values;`,
        "  const [, productId = '', , userId = '', , quantity, , timestamp] = fields;",
      ],
    ],
    fails: ['work', 'reclaim', 'crash'],
  },
  {
    mistake: 'acknowledges the rest of a batch when it stops',
    changes: [
      ["'COUNT', 1, 'BLOCK'", "'COUNT', 10, 'BLOCK'"],
      [
        '        for (const entry of entries) await settle(redis, entry, handleOrder);',
        `        const failed = new Set<string>();
        for (const [id, fields] of entries) {
          if (signal.aborted) break;
          await handleOrder(readOrder(fields), id).catch(() => failed.add(id));
        }
        const done = entries.map(([id]) => id).filter((id) => !failed.has(id));
        if (done.length > 0) await redis.xack(STREAM, GROUP, ...done);`,
      ],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'acknowledges what it had left, also when it fails again',
    changes: [
      [
        `      await settle(redis, entry, handleOrder);
      after = entry[0];`,
        `      await settle(redis, entry, handleOrder);
      await redis.xack(STREAM, GROUP, entry[0]);
      after = entry[0];`,
      ],
    ],
    fails: ['history'],
  },
  {
    mistake: 'makes ids of timestamps',
    changes: [
      [
        `    KEPT_ORDERS,
    '*',`,
        `    KEPT_ORDERS,
    \`\${timestamp}-*\`,`,
      ],
    ],
    fails: ['publish', 'trim'],
  },
  {
    mistake: 'puts an order aside under its old id',
    changes: [[".xadd(DEAD_LETTERS, '*', ...fields,", '.xadd(DEAD_LETTERS, id, ...fields,']],
    fails: ['dead'],
  },
  {
    mistake: 'keeps only the last order that was put aside',
    changes: [
      [".xadd(DEAD_LETTERS, '*', ...fields,", ".xadd(DEAD_LETTERS, 'MAXLEN', 1, '*', ...fields,"],
    ],
    fails: ['dead'],
  },
];
