import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'orders/xpending-xclaim.ts',
    mistake:
      'a group that has vanished is made again from $, so what came in between is never seen',
    changes: [
      [
        '        await createGroup(redis);\n',
        `        // What was there before has been handled already.
        await redis.xgroup('CREATE', STREAM, GROUP, '$', 'MKSTREAM').catch((reason: unknown) => {
          if (!(reason instanceof Error) || !reason.message.startsWith('BUSYGROUP')) throw reason;
        });
`,
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'orders/xpending-xclaim.ts',
    mistake: 'a rejection with undefined is taken for a success',
    changes: [
      [
        '  const run = (async () => {\n',
        `  const run = (async () => {
    let failure: unknown;
`,
      ],
      [
        `      return true;
    } catch {
      return false;
`,
        `    } catch (error) {
      failure = error;
`,
      ],
      [
        `    }
  })();
`,
        `    }
    return failure === undefined;
  })();
`,
      ],
    ],
    fails: ['ack'],
  },
  {
    base: 'orders/xpending-xclaim.ts',
    mistake:
      'looks at its own pending orders again whenever there is nothing new: a failed one is tried again at once',
    changes: [
      [
        '        if (entry?.[1] == null) continue;\n',
        `        if (entry?.[1] == null) {
          own = true;
          cursor = '0';
          continue;
        }
`,
      ],
    ],
    fails: ['dead'],
  },
  {
    base: 'orders/xpending-xclaim.ts',
    mistake: 'takes over only after it has worked on a new order: never when no orders come',
    changes: [
      [
        '        if (Date.now() >= nextSweep) {\n',
        '        if (own && Date.now() >= nextSweep) {\n',
      ],
      [
        '        const block = Math.ceil(Math.max(1, Math.min(BLOCK_MS, nextSweep - Date.now())));\n',
        '        const block = BLOCK_MS;\n',
      ],
      [
        '        await work(redis, entry[0], entry[1], 1, handleOrder, signal);\n',
        `        await work(redis, entry[0], entry[1], 1, handleOrder, signal);
        if (Date.now() >= nextSweep) {
          await sweep(redis, name, minIdleMs, handleOrder, signal);
          nextSweep = Date.now() + interval;
        }
`,
      ],
    ],
    fails: ['crash', 'dead', 'unexpected'],
  },
  {
    base: 'orders/xpending-xclaim.ts',
    mistake:
      'XCLAIM with a minimal idle time of 0, as XPENDING has looked already: two take the same order',
    changes: [
      [
        '    const [entry] = (await redis.xclaim(STREAM, GROUP, name, minIdleMs, id)) as Entry[];\n',
        '    const [entry] = (await redis.xclaim(STREAM, GROUP, name, 0, id)) as Entry[];\n',
      ],
    ],
    fails: ['crash', 'reclaim'],
  },
  {
    base: 'orders/xpending-xclaim.ts',
    mistake: 'does not look at the number of deliveries of its own orders after a restart',
    changes: [
      [
        `async function deliveriesOf(redis: Redis, id: string): Promise<number> {
  const [row] = (await redis.xpending(STREAM, GROUP, id, id, 1)) as PendingRow[];
  return row?.[3] ?? 1;
}

`,
        '',
      ],
      [
        `          else if (!tried.has(id))
            await work(redis, id, fields, await deliveriesOf(redis, id), handleOrder, signal);
`,
        '          else if (!tried.has(id)) await work(redis, id, fields, 1, handleOrder, signal);\n',
      ],
    ],
    fails: ['dead'],
  },
  {
    base: 'orders/xpending-xclaim.ts',
    mistake: 'acknowledges on the connection of the blocked read, which the abort has cut',
    changes: [
      [
        '        await work(redis, entry[0], entry[1], 1, handleOrder, signal);\n',
        '        await work(reader, entry[0], entry[1], 1, handleOrder, signal);\n',
      ],
    ],
    fails: ['stop'],
  },
  {
    base: 'orders/xpending-xclaim.ts',
    mistake: 'checks an entry when it is new, and no more when it is taken over or its own',
    changes: [
      [
        `  return { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) };
}

`,
        `  return { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) };
}

function toOrder(fields: string[]): Order {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i]!, fields[i + 1]!);
  return {
    productId: values.get('productId')!,
    userId: values.get('userId')!,
    quantity: Number(values.get('quantity')),
    timestamp: Number(values.get('timestamp')),
  };
}

`,
      ],
      [
        '  const order = parseOrder(fields);\n',
        `  // Whoever had it before has checked it.
  const order = deliveries === 1 ? parseOrder(fields) : toOrder(fields);
`,
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'orders/xpending-xclaim.ts',
    mistake:
      'one worker at a time takes over, by a lock that never expires: one that is killed meanwhile keeps it',
    changes: [
      [
        '          await sweep(redis, name, minIdleMs, handleOrder, signal, own ? tried : undefined);\n',
        `          if ((await redis.set('orders:sweeping', name, 'NX')) === 'OK') {
            try {
              await sweep(redis, name, minIdleMs, handleOrder, signal, own ? tried : undefined);
            } finally {
              await redis.del('orders:sweeping');
            }
          }
`,
      ],
    ],
    fails: ['crash', 'dead'],
  },
  {
    base: 'orders/xpending-xclaim.ts',
    mistake:
      "the entry's id is made from the order's own timestamp, so an order older than the last one is refused",
    changes: [["    '*',\n", '    `${order.timestamp}-*`,\n']],
    fails: ['publish', 'trim'],
  },
  {
    base: 'orders/xpending-xclaim.ts',
    mistake:
      'asks for the ten oldest pending orders and then picks out the idle ones: ten busy ones hide the rest',
    changes: [
      [
        `    const rows = (await redis.xpending(
      STREAM,
      GROUP,
      'IDLE',
      minIdleMs,
      start,
      '+',
      1,
    )) as PendingRow[];
    const row = rows[0];
`,
        `    const rows = (await redis.xpending(STREAM, GROUP, start, '+', 10)) as PendingRow[];
    const row = rows.find(([, , idle]) => idle >= minIdleMs);
`,
      ],
    ],
    fails: ['crash', 'reclaim'],
  },
  {
    base: 'orders/xpending-xclaim.ts',
    mistake:
      'reads its own orders from 0 until there are none: one that fails is tried again and again',
    changes: [
      ['            cursor = row[0];\n', '            own = false;\n'],
      ['          cursor = id;\n', ''],
    ],
    fails: ['history'],
  },
  {
    base: 'orders/xpending-xclaim.ts',
    mistake: 'writes the four fields it knows to orders:dead, and drops the others',
    changes: [
      [
        '    await bury(redis, id, fields);\n',
        `    await bury(
      redis,
      id,
      Object.entries(order).flatMap(([field, value]) => [field, String(value)]),
    );
`,
      ],
    ],
    fails: ['dead'],
  },
  {
    base: 'orders/xpending-xclaim.ts',
    mistake: 'takes an XACK that answers 0 for an error',
    changes: [
      [
        `  if (!(await attempt(handleOrder, order, id, signal))) return false;
  await redis.xack(STREAM, GROUP, id);
`,
        `  if (!(await attempt(handleOrder, order, id, signal))) return false;
  if ((await redis.xack(STREAM, GROUP, id)) !== 1) throw new Error(\`\${id} was not pending\`);
`,
      ],
    ],
    fails: ['ack', 'reclaim', 'unexpected'],
  },
  {
    base: 'orders/xpending-xclaim.ts',
    mistake: 'ends its blocked read with CLIENT KILL',
    changes: [
      [
        '  const reader = redis.duplicate();\n',
        '  const reader = redis.duplicate({ retryStrategy: () => null });\n',
      ],
      [
        '  const cut = () => reader.disconnect();\n',
        `  const readerId = await reader.client('ID');
  const cut = () =>
    void redis
      .client('KILL', 'ID', readerId)
      .catch(() => {})
      .finally(() => reader.disconnect());
`,
      ],
    ],
    fails: ['ack', 'crash', 'dead', 'history', 'share', 'stop', 'trimmed', 'unexpected', 'work'],
  },
];
