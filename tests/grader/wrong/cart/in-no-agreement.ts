import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'cart/no-agreement.ts',
    mistake: 'ids are compared as Lua numbers, which end at 2^53',
    changes: [
      [
        `  if ams ~= bms then return greater(ams, bms) end
  return greater(aseq, bseq)
`,
        `  local x, y = tonumber(ams) or 0, tonumber(bms) or 0
  if x ~= y then return x > y end
  return (tonumber(aseq) or 0) > (tonumber(bseq) or 0)
`,
      ],
    ],
    fails: ['once'],
  },
  {
    base: 'cart/no-agreement.ts',
    mistake: 'when the rebuilt cart is empty, the remembered id is deleted as well',
    changes: [
      [
        "redis.call('SET', KEYS[3], id)\n",
        `if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('SET', KEYS[3], id)
else
  redis.call('DEL', KEYS[3])
end
`,
      ],
    ],
    fails: ['rebuild'],
  },
  {
    base: 'cart/no-agreement.ts',
    mistake: 'rebuild counts only the carts with something in them',
    changes: [
      ["if id == '' then return 1 end\n", "if id == '' then return 0 end\n"],
      [
        `end
return 1
`,
        `end
return redis.call('EXISTS', KEYS[2])
`,
      ],
    ],
    fails: ['rebuild'],
  },
  {
    base: 'cart/no-agreement.ts',
    mistake: 'any number from 1 on is a quantity, also 2.5 and 1e3',
    changes: [
      [
        "  if not quantity or not string.match(quantity, '^[1-9]%d*$') or greater(quantity, '9007199254740991') then\n",
        '  if not quantity or not tonumber(quantity) or tonumber(quantity) < 1 or tonumber(quantity) > 9007199254740991 then\n',
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'cart/no-agreement.ts',
    mistake:
      'knows NOGROUP only: on Redis 7.0, a stream that is deleted while it waits ends the projector',
    changes: [
      [
        '  error instanceof Error && /NOGROUP|UNBLOCKED|requires the key to exist/.test(error.message);\n',
        '  error instanceof Error && /NOGROUP|requires the key to exist/.test(error.message);\n',
      ],
      [
        `        if (isMissing(error)) {
          grouped.clear();
          scannedAt = -Infinity;
        }
`,
        `        if (!isMissing(error)) throw error;
        grouped.clear();
        scannedAt = -Infinity;
`,
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'cart/no-agreement.ts',
    mistake: 'remembers for ever that it has made a group',
    changes: [['          grouped.clear();\n', '']],
    fails: ['unexpected'],
  },
  {
    base: 'cart/no-agreement.ts',
    mistake:
      'projectors in one process share a blocking connection, and the first to stop closes it',
    changes: [
      [
        'type Entry = [id: string, fields: string[] | null];\n\n',
        `type Entry = [id: string, fields: string[] | null];

let shared: Redis | undefined;

`,
      ],
      [
        '  const reader = redis.duplicate();\n',
        `  shared ??= redis.duplicate();
  const reader = shared;
`,
      ],
      [
        '    reader.disconnect();\n',
        `    reader.disconnect();
    if (shared === reader) shared = undefined;
`,
      ],
    ],
    fails: ['stop'],
  },
  {
    base: 'cart/no-agreement.ts',
    mistake: "XREADGROUP BLOCK on the caller's connection",
    changes: [
      ['  const reader = redis.duplicate();\n', '  const reader = redis;\n'],
      [
        `      'BLOCK',
      100,
`,
        `      'BLOCK',
      500,
`,
      ],
      ['    reader.disconnect();\n', '    grouped.clear();\n'],
    ],
    fails: ['stop'],
  },
  {
    base: 'cart/no-agreement.ts',
    mistake: 'looks for what others have left only when it starts',
    changes: [
      ['  const claimMs = Math.max(20, Math.min(1000, leaseMs / 4));\n', ''],
      [
        '        if (performance.now() - claimedAt > claimMs) await claim();\n',
        '        if (claimedAt === -Infinity && users.length > 0) await claim();\n',
      ],
    ],
    fails: ['crash', 'redelivered', 'zombie'],
  },
  {
    base: 'cart/no-agreement.ts',
    mistake:
      'marks a user as being taken over, without an end; who dies in the middle keeps all others away',
    changes: [
      [
        `  async function claim(): Promise<void> {
    for (const userId of users) {
`,
        `  async function claim(): Promise<void> {
    for (const userId of users) {
      // One at a time.
      if ((await redis.set(\`cart:takeover:\${userId}\`, name, 'NX')) !== 'OK') continue;
`,
      ],
      [
        `      do {
        if (signal.aborted) return;
        const [next, entries, gone] = (await redis.xautoclaim(
          eventsKey(userId),
          GROUP,
          name,
          Math.ceil(leaseMs),
          cursor,
          'COUNT',
          100,
        )) as [string, (Entry | null)[], string[]?];
        cursor = next;
        await settle(
          userId,
          entries.flatMap((entry) => (entry ? [entry[0]] : [])),
        );
        if (gone && gone.length > 0) await redis.xack(eventsKey(userId), GROUP, ...gone);
      } while (cursor !== '0-0');
`,
        `      try {
        do {
          if (signal.aborted) return;
          const [next, entries, gone] = (await redis.xautoclaim(
            eventsKey(userId),
            GROUP,
            name,
            Math.ceil(leaseMs),
            cursor,
            'COUNT',
            100,
          )) as [string, (Entry | null)[], string[]?];
          cursor = next;
          await settle(
            userId,
            entries.flatMap((entry) => (entry ? [entry[0]] : [])),
          );
          if (gone && gone.length > 0) await redis.xack(eventsKey(userId), GROUP, ...gone);
        } while (cursor !== '0-0');
      } finally {
        await redis.del(\`cart:takeover:\${userId}\`);
      }
`,
      ],
    ],
    fails: ['crash'],
    mayFail: ['zombie', 'rebuild-live'],
  },
  {
    base: 'cart/no-agreement.ts',
    mistake: 'catches up by one page of the stream, and believes to be at the newest',
    changes: [['  if #page < 100 then break end\nend\nif at', '  at = upto\nend\nif at']],
    fails: ['redelivered'],
    mayFail: ['crash'],
  },
];
