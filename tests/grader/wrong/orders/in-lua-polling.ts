import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'orders/lua-polling.ts',
    mistake:
      'asks XINFO GROUPS first and does not expect BUSYGROUP: two that start at the same instant',
    changes: [
      [
        `  await redis.xgroup('CREATE', stream, group, '0-0', 'MKSTREAM').catch((error: unknown) => {
    if (!messageOf(error).startsWith('BUSYGROUP')) throw error;
  });
`,
        `  const groups = (await redis.xinfo('GROUPS', stream).catch(() => [])) as unknown[][];
  if (groups.some((row) => row[1] === group)) return;
  await redis.xgroup('CREATE', stream, group, '0-0', 'MKSTREAM');
`,
      ],
    ],
    fails: ['group-again', 'unexpected'],
  },
  {
    base: 'orders/lua-polling.ts',
    mistake: 'takes its own orders from the list made at the start, whoever holds them by now',
    changes: [
      [
        'if #rows == 0 or rows[1][2] ~= ARGV[2] then return false end\n',
        'if #rows == 0 then return false end\n',
      ],
    ],
    fails: ['history'],
  },
  {
    base: 'orders/lua-polling.ts',
    mistake:
      'claims with JUSTID and reads the entry by XRANGE: the delivery is not counted, and the poison order goes round for ever',
    changes: [
      [
        `  local got = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], id)
  if got[1] then return { id, got[1][2], deliveries + 1 } end
`,
        `  local got = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], id, 'JUSTID')
  if got[1] then return { id, redis.call('XRANGE', KEYS[1], id, id)[1][2], deliveries + 1 } end
`,
      ],
    ],
    fails: ['dead'],
  },
  {
    base: 'orders/lua-polling.ts',
    mistake: 'a handler that throws synchronously is not caught',
    changes: [
      [
        '    void (async () => handleOrder(result.order, taken.id))().then(\n',
        '    void handleOrder(result.order, taken.id).then(\n',
      ],
    ],
    fails: ['ack'],
  },
  {
    base: 'orders/lua-polling.ts',
    mistake: 'takes over only when there is nothing new',
    changes: [
      [
        '  let own: string[] | undefined;\n',
        `  let own: string[] | undefined;
  let quiet = false;
`,
      ],
      ['    if (Date.now() >= due) {\n', '    if (quiet && Date.now() >= due) {\n'],
      [
        '    const entry = reply?.[0]?.[1][0];\n',
        `    const entry = reply?.[0]?.[1][0];
    quiet = !entry;
`,
      ],
    ],
    fails: ['crash'],
  },
  {
    base: 'orders/lua-polling.ts',
    mistake: 'reclaimOrders counts what went to orders:dead as handled',
    changes: [
      [
        "    if ((await deal(redis, taken, handleOrder, signal)) === 'handled') handled += 1;\n",
        "    if ((await deal(redis, taken, handleOrder, signal)) !== 'failed') handled += 1;\n",
      ],
    ],
    fails: ['dead'],
  },
  {
    base: 'orders/lua-polling.ts',
    mistake: 'puts an order aside at its third delivery, before its handler has had it',
    changes: [['  if (taken.deliveries > 3) {\n', '  if (taken.deliveries >= 3) {\n']],
    fails: ['crash', 'dead'],
  },
  {
    base: 'orders/lua-polling.ts',
    mistake: 'leaves the order in hand at the abort itself',
    changes: [
      [
        "      timer = setTimeout(() => finish('left'), 500);\n",
        "      timer = setTimeout(() => finish('left'), 0);\n",
      ],
    ],
    fails: ['stop'],
  },
  {
    base: 'orders/lua-polling.ts',
    mistake: 'Number(""), which is 0: an empty timestamp is taken for 1970',
    changes: [
      [
        '  if (text === undefined || !/^[0-9]+$/.test(text)) return undefined;\n',
        '  if (text === undefined) return undefined;\n',
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'orders/lua-polling.ts',
    mistake: 'counts the rows of XPENDING with a range, of which it asks for a hundred',
    changes: [
      [
        `  const [, , , consumers] = (await redis.xpending(stream, group)) as [
    number,
`,
        "  const rows = (await redis.xpending(stream, group, '-', '+', 100)) as [\n",
      ],
      [
        `    [string, string][] | null,
  ];
`,
        `    number,
    number,
  ][];
`,
      ],
      [
        '  for (const [consumer, count] of consumers ?? []) held[consumer] = Number.parseInt(count, 10);\n',
        '  for (const [, consumer] of rows) held[consumer] = (held[consumer] ?? 0) + 1;\n',
      ],
    ],
    fails: ['pending'],
  },
  {
    base: 'orders/lua-polling.ts',
    mistake: 'adds the process id to the name, so that what it left under its name is never found',
    changes: [
      [
        `export async function runWorker(
  redis: Redis,
  name: string,
`,
        `export async function runWorker(
  redis: Redis,
  worker: string,
`,
      ],
      [
        '  const { signal, minIdleMs } = options;\n',
        `  const { signal, minIdleMs } = options;
  const name = \`\${worker}-\${process.pid}\`;
`,
      ],
    ],
    fails: ['ack', 'history', 'share', 'trimmed'],
  },
];
