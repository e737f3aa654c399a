import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    mistake: 'counts stay strings',
    changes: [
      [
        '.map(([name, count]) => [name, Number(count)])',
        '.map(([name, count]) => [name, count as unknown as number])',
      ],
    ],
    fails: ['pending'],
  },
  {
    mistake: 'counts only the first 100',
    bodies: {
      pendingByWorker: `
  const counts: Record<string, number> = {};
  const range = await redis.xpending(STREAM, GROUP, '-', '+', 100);
  for (const [, name] of range as PendingEntry[]) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
`,
    },
    fails: ['pending'],
  },
  {
    mistake: 'forgets that nothing may be pending',
    changes: [['(consumers ?? []).map', 'consumers!.map']],
    fails: ['pending'],
  },
  {
    mistake: 'chokes on an order that was trimmed away',
    changes: [
      [
        `  if (!fields) {
    await redis.xack(STREAM, GROUP, id);
    return false;
  }
`,
        '',
      ],
      ['  const reason = whatIsWrong(fields);', '  const reason = fields && whatIsWrong(fields);'],
      ['[...fields, ', '[...fields!, '],
      ['await bury(redis, id, fields);', 'await bury(redis, id, fields!);'],
      ['handleOrder(readOrder(fields), id)', 'handleOrder(readOrder(fields!), id)'],
      [
        '    console.error(`order ${id} failed, and is tried again later:`, error);\n    return false;',
        `    if (error instanceof TypeError) throw error;
    return false;`,
      ],
    ],
    fails: ['trimmed'],
  },
  {
    mistake: 'handles an empty order for what was trimmed away',
    changes: [
      [
        `  if (!fields) {
    await redis.xack(STREAM, GROUP, id);
    return false;
  }
`,
        '',
      ],
      ['  const reason = whatIsWrong(fields);', '  const reason = fields && whatIsWrong(fields);'],
      ['[...fields, ', '[...fields!, '],
      ['await bury(redis, id, fields);', 'await bury(redis, id, fields ?? []);'],
      ['handleOrder(readOrder(fields), id)', 'handleOrder(readOrder(fields ?? []), id)'],
    ],
    fails: ['trimmed'],
  },
  {
    mistake: 'never reads what its own name has left',
    changes: [['        if (isBack) await finishOwn(redis, name, handleOrder, signal);\n', '']],
    fails: ['history', 'trimmed'],
  },
  {
    mistake: 'reads what its own name has left after the first new order',
    changes: [
      ['        if (isBack) await finishOwn(redis, name, handleOrder, signal);\n', ''],
      [
        '        for (const entry of entries) await settle(redis, entry, handleOrder, signal);',
        `        for (const entry of entries) await settle(redis, entry, handleOrder, signal);
        await finishOwn(redis, name, handleOrder, signal);`,
      ],
    ],
    fails: ['ack', 'dead', 'history'],
  },
  {
    mistake: 'tries a poisonous order for ever',
    changes: [['  if (await isPoison(redis, id)) {', '  if (false) {']],
    fails: ['dead'],
  },
  {
    mistake: 'puts an order aside after the first failure',
    changes: [['MOST_DELIVERIES = 3', 'MOST_DELIVERIES = 1']],
    fails: ['crash', 'dead', 'history', 'reclaim', 'trimmed'],
  },
  {
    mistake: 'puts an order aside without acknowledging it',
    changes: [
      [
        `  await redis.xadd(DEAD_LETTERS, '*', ...fields, 'originalId', id);
  await redis.xack(STREAM, GROUP, id);`,
        "  await redis.xadd(DEAD_LETTERS, '*', ...fields, 'originalId', id);",
      ],
    ],
    fails: ['dead', 'unexpected'],
  },
  {
    mistake: 'puts an order aside without saying which it was',
    changes: [["...fields, 'originalId', id)", '...fields)']],
    fails: ['dead', 'unexpected'],
  },
  {
    mistake: 'finishes the first page of what it has left',
    changes: [
      ['1, // what is read gets older while it waits', '10,'],
      ['    if (entries.length === 0) return;\n', '    return;\n'],
    ],
    fails: ['history'],
  },
  {
    mistake: 'counts in memory how often an order has failed',
    bodies: {
      isPoison: `
  await redis.ping();
  return (failures.get(id) ?? 0) >= MOST_DELIVERIES;
`,
    },
    changes: [
      [
        'const PAGE = 100;',
        `const PAGE = 100;
const failures = new Map<string, number>();`,
      ],
      [
        `  } catch (error) {
    console.error(`,
        `  } catch (error) {
    failures.set(id, (failures.get(id) ?? 0) + 1);
    console.error(`,
      ],
    ],
    fails: ['dead'],
  },
  {
    mistake: 'acknowledges an order before it is put aside',
    bodies: {
      bury: `
  await redis.xack(STREAM, GROUP, id);
  await redis.xadd(DEAD_LETTERS, '*', ...fields, 'originalId', id);
`,
    },
    fails: ['dead', 'unexpected'],
  },
  {
    mistake: 'counts only the first 1,000',
    bodies: {
      pendingByWorker: `
  const counts: Record<string, number> = {};
  const range = await redis.xpending(STREAM, GROUP, '-', '+', 1000);
  for (const [, name] of range as PendingEntry[]) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
`,
    },
    fails: ['pending'],
  },
  {
    mistake: 'acknowledges what it had left, also when it fails again',
    changes: [
      [
        `      await settle(redis, entry, handleOrder, signal);
      after = entry[0];`,
        `      await settle(redis, entry, handleOrder, signal);
      await redis.xack(STREAM, GROUP, entry[0]);
      after = entry[0];`,
      ],
    ],
    fails: ['history'],
  },
  {
    mistake: 'puts an order aside under its old id',
    changes: [[".xadd(DEAD_LETTERS, '*', ...fields,", '.xadd(DEAD_LETTERS, id, ...fields,']],
    fails: ['dead', 'unexpected'],
  },
  {
    mistake: 'keeps only the last order that was put aside',
    changes: [
      [".xadd(DEAD_LETTERS, '*', ...fields,", ".xadd(DEAD_LETTERS, 'MAXLEN', 1, '*', ...fields,"],
    ],
    fails: ['dead', 'unexpected'],
  },
];
