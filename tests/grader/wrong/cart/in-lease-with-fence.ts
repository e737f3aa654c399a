import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'cart/lease-with-fence.ts',
    mistake:
      'rebuild deletes cart and remembered id and applies event by event; projectors get in between',
    changes: [
      [
        `  for (const userId of await findUsers(redis))
    if (await rebuildCart(redis, userId, false)) count += 1;
`,
        `  for (const userId of await findUsers(redis)) {
    const { '@': base = '', ...lines } = await redis.hgetall(snapshotKey(userId));
    const tx = redis.multi().del(cartKey(userId), lastKey(userId));
    for (const [line, n] of Object.entries(lines)) tx.hset(cartKey(userId), line.slice(1), n);
    if (base) tx.set(lastKey(userId), base);
    await tx.exec();
    let id = base;
    while (id !== MAX_ID) {
      const page: Entry[] = await redis.xrange(
        eventsKey(userId),
        id === '' ? '-' : \`(\${id}\`,
        '+',
        'COUNT',
        PAGE,
      );
      for (const [entryId, fields] of page) {
        await redis.eval(APPLY, 2, cartKey(userId), lastKey(userId), entryId, ...fields);
        id = entryId;
      }
      if (page.length < PAGE) break;
    }
    count += 1;
  }
`,
      ],
    ],
    fails: ['rebuild-live'],
  },
  {
    base: 'cart/lease-with-fence.ts',
    mistake: 'what came in (and was applied) between the last page and the write is overwritten',
    changes: [
      [
        `while id ~= MAX do
  local page = redis.call('XRANGE', KEYS[1], id == '' and '-' or '(' .. id, '+', 'COUNT', 500)
  if #page == 0 then break end
  for _, entry in ipairs(page) do
    local event = understand(entry[2])
    if event then change(KEYS[2], event) end
    id = entry[1]
  end
end
`,
        '',
      ],
    ],
    fails: ['rebuild-live'],
  },
  {
    base: 'cart/lease-with-fence.ts',
    mistake: 'rebuild writes its lines over the old hash without deleting that first',
    changes: [["redis.call('DEL', KEYS[2])\n", '']],
    fails: ['rebuild'],
    mayFail: ['rebuild-live', 'snapshots'],
  },
  {
    base: 'cart/lease-with-fence.ts',
    mistake: 'after a snapshot, the rebuild begins with the event that is the last one in it',
    changes: [
      [
        '    let id = base;\n',
        `    let id = base;
    let start = base === '' ? '-' : base;
`,
      ],
      [
        `      const page: Entry[] = await redis.xrange(
        eventsKey(userId),
        id === '' ? '-' : \`(\${id}\`,
        '+',
        'COUNT',
        PAGE,
      );
`,
        "      const page: Entry[] = await redis.xrange(eventsKey(userId), start, '+', 'COUNT', PAGE);\n",
      ],
      [
        '      if (page.length < PAGE) break;\n',
        `      if (page.length < PAGE) break;
      start = \`(\${id}\`;
`,
      ],
    ],
    fails: ['snapshots', 'unexpected'],
  },
  {
    base: 'cart/lease-with-fence.ts',
    mistake: 'a helping is acknowledged when it is read',
    changes: [
      ["  if #redis.call('XPENDING', stream, group, id, id, 1) == 0 then return end\n", ''],
      [
        "    if (state === 'lost') mine.delete(userId);\n",
        `    if (state === 'lost') mine.delete(userId);
    if (entries.length > 0) await redis.xack(stream, GROUP, ...entries.map(([id]) => id));
`,
      ],
      ["      if (done === 'applied') await redis.xack(stream, GROUP, id);\n", ''],
    ],
    fails: ['crash', 'project', 'share', 'stop', 'zombie'],
  },
  {
    base: 'cart/lease-with-fence.ts',
    mistake: 'an event that changes nothing is not acknowledged',
    changes: [
      [
        "  redis.call('SET', KEYS[3], id)\n",
        `  redis.call('SET', KEYS[3], id)
elseif event then
  return 'old'
`,
      ],
    ],
    fails: ['rebuild-live', 'redelivered', 'unexpected', 'zombie'],
    mayFail: ['crash'],
  },
  {
    base: 'cart/lease-with-fence.ts',
    mistake: 'deletes its consumer when it stops, and with it what was pending',
    changes: [
      [
        '  } finally {\n',
        `  } finally {
    for (const userId of mine) {
      await redis.xgroup('DELCONSUMER', eventsKey(userId), GROUP, name).catch(() => undefined);
    }
`,
      ],
    ],
    fails: ['stop'],
  },
  {
    base: 'cart/lease-with-fence.ts',
    mistake: 'a lease lasts thirty seconds, whatever leaseMs is',
    changes: [['  const ttl = Math.ceil(leaseMs * 1.5);\n', '  const ttl = 30_000;\n']],
    fails: ['crash', 'zombie'],
  },
];
