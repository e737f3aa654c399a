import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'orders/generator.ts',
    mistake:
      'LIMIT 10 "to keep XADD cheap": fewer than a node of the stream, so nothing is ever trimmed',
    changes: [
      [
        '    10000,\n',
        `    10000,
    'LIMIT',
    10,
`,
      ],
    ],
    fails: ['trim'],
  },
  {
    base: 'orders/generator.ts',
    mistake: 'takes an empty page of XAUTOCLAIM for the end, though its cursor is not 0-0',
    changes: [
      [
        '    )) as [string, [string, Fields][]];\n',
        `    )) as [string, [string, Fields][]];
    if (entries.length === 0) return;
`,
      ],
    ],
    fails: ['crash', 'reclaim', 'trimmed'],
  },
  {
    base: 'orders/generator.ts',
    mistake: 'reclaimOrders counts what XACK has answered instead of what was handled',
    changes: [
      [
        `  await redis.xack(NEW, GROUP, id);
  return true;
`,
        '  return (await redis.xack(NEW, GROUP, id)) === 1;\n',
      ],
    ],
    fails: ['reclaim'],
  },
  {
    base: 'orders/generator.ts',
    mistake: 'an own order that was trimmed away is put aside as an entry without fields',
    changes: [
      [
        '      if (fields === null) await redis.xack(NEW, GROUP, id);\n',
        '      if (fields === null) yield { id, fields: [], count: 1 };\n',
      ],
    ],
    fails: ['trimmed'],
  },
  {
    base: 'orders/generator.ts',
    mistake: 'puts an order aside at once when its third delivery has failed',
    changes: [
      [
        '  if (!(await inTime(handled(handleOrder, order, id), signal))) return false;\n',
        `  if (!(await inTime(handled(handleOrder, order, id), signal))) {
    if (count >= 3 && !signal?.aborted) await putAside(redis, delivery);
    return false;
  }
`,
      ],
    ],
    fails: ['dead'],
  },
  {
    base: 'orders/generator.ts',
    mistake:
      'MULTI step by step on a connection that others use: their commands land in the transaction',
    changes: [
      [
        `  const results = await redis
    .multi()
    .xadd(DEAD, '*', ...fields, 'originalId', id, ...reason)
    .xack(NEW, GROUP, id)
    .exec();
`,
        `  await redis.multi({ pipeline: false });
  await redis.xadd(DEAD, '*', ...fields, 'originalId', id, ...reason);
  await redis.xack(NEW, GROUP, id);
  const results = await redis.exec();
`,
      ],
    ],
    fails: ['dead'],
  },
  {
    base: 'orders/generator.ts',
    mistake: 'waits for half a second after a failure',
    changes: [
      [
        '    if (delivery) await settle(redis, delivery, handleOrder, signal);\n',
        `    if (delivery && !(await settle(redis, delivery, handleOrder, signal))) {
      await sleep(500, undefined, { signal }).catch(() => {});
    }
`,
      ],
    ],
    fails: ['ack'],
  },
  {
    base: 'orders/generator.ts',
    mistake: 'removes its consumer when it stops, and with it all that is pending there',
    changes: [
      [
        `  for await (const delivery of deliveries(redis, name, minIdleMs, signal)) {
    if (signal.aborted) return;
    if (delivery) await settle(redis, delivery, handleOrder, signal);
    if (signal.aborted) return;
`,
        `  try {
    for await (const delivery of deliveries(redis, name, minIdleMs, signal)) {
      if (signal.aborted) return;
      if (delivery) await settle(redis, delivery, handleOrder, signal);
      if (signal.aborted) return;
    }
  } finally {
    await redis.xgroup('DELCONSUMER', NEW, GROUP, name).catch(() => {});
`,
      ],
    ],
    fails: ['ack', 'unexpected'],
  },
  {
    base: 'orders/generator.ts',
    mistake: 'refuses a timestamp of 0',
    changes: [
      [
        '    if (Number(value) < least) return `${field} is too small`;\n',
        '    if (!Number(value) || Number(value) < least) return `${field} is too small`;\n',
      ],
    ],
    fails: ['ack', 'crash', 'history', 'reclaim', 'share', 'trimmed', 'unexpected'],
  },
  {
    base: 'orders/generator.ts',
    mistake: 'deletes the entry once it is acknowledged',
    changes: [
      [
        '  await redis.xack(NEW, GROUP, id);\n',
        `  await redis.xack(NEW, GROUP, id);
  await redis.xdel(NEW, id);
`,
      ],
    ],
    fails: ['crash', 'reclaim', 'work'],
  },
];
