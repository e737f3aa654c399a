import type { Wrong } from './wrong.ts';

export const wrongOrders: readonly Wrong[] = [
  // Publishing
  {
    mistake: 'the order as JSON in one field',
    changes: [
      [
        '...Object.entries(fields).flat(),\n  );\n  if (id === null)',
        "'order',\n    JSON.stringify(fields),\n  );\n  if (id === null)",
      ],
    ],
    fails: ['publish'],
  },
  {
    mistake: 'a property forgotten',
    changes: [
      [
        'const fields = { productId, userId, quantity, timestamp };',
        'const fields = { productId, userId, quantity };',
      ],
    ],
    fails: ['publish'],
  },
  {
    mistake: 'returns the product, not the id',
    changes: [['  return id;\n', '  return productId;\n']],
    fails: ['publish', 'trim'],
  },
  {
    mistake: 'no limit',
    changes: [["    'MAXLEN',\n    '~',\n    KEPT_ORDERS,\n    '*',", "    '*',"]],
    fails: ['trim'],
  },
  {
    mistake: 'a limit of 1,000',
    changes: [['KEPT_ORDERS = 10_000', 'KEPT_ORDERS = 1000']],
    fails: ['trim'],
  },
  {
    mistake: 'the limit behind the id, where it is a field',
    changes: [
      [
        "    'MAXLEN',\n    '~',\n    KEPT_ORDERS,\n    '*',",
        "    '*',\n    'MAXLEN',\n    KEPT_ORDERS,",
      ],
    ],
    fails: ['publish', 'trim'],
  },

  // The group
  {
    mistake: 'the group begins at $',
    changes: [["GROUP, '0', 'MKSTREAM'", "GROUP, '$', 'MKSTREAM'"]],
    fails: ['group'],
  },
  {
    mistake: 'no MKSTREAM',
    changes: [["GROUP, '0', 'MKSTREAM'", "GROUP, '0'"]],
    fails: ['group'],
  },
  {
    mistake: 'BUSYGROUP is fatal',
    changes: [["    if (!isReply(error, 'BUSYGROUP')) throw error;", '    throw error;']],
    fails: ['group-again', 'work', 'ack', 'share', 'stop', 'trimmed', 'history', 'crash', 'dead'],
  },
  {
    mistake: 'every error is swallowed',
    changes: [["    if (!isReply(error, 'BUSYGROUP')) throw error;", '    void error;']],
    fails: ['group-again'],
  },
  {
    mistake: 'the group is destroyed and made again',
    changes: [
      [
        '  try {\n    // From `0`',
        "  await redis.xgroup('DESTROY', STREAM, GROUP).catch(() => {});\n  try {\n    // From `0`",
      ],
    ],
    fails: ['group-again', 'stop'],
    mayFail: ['share', 'history', 'crash', 'dead'],
  },

  // Working
  {
    mistake: 'numbers stay strings',
    changes: [
      [
        'return { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) };',
        'return { productId, userId, quantity, timestamp } as unknown as Order;',
      ],
    ],
    fails: ['work', 'reclaim', 'crash'],
  },
  {
    mistake: 'deletes what is done',
    changes: [
      [
        '  await redis.xack(STREAM, GROUP, id);\n  return true;',
        '  await redis.xack(STREAM, GROUP, id);\n  await redis.xdel(STREAM, id);\n  return true;',
      ],
    ],
    fails: ['work', 'reclaim'],
  },
  {
    mistake: 'no XACK',
    changes: [['  await redis.xack(STREAM, GROUP, id);\n  return true;', '  return true;']],
    fails: ['work', 'ack', 'share', 'stop', 'reclaim', 'trimmed', 'history', 'dead'],
  },
  {
    mistake: 'XACK before the handler',
    changes: [
      [
        '  try {\n    await handleOrder',
        '  await redis.xack(STREAM, GROUP, id);\n  try {\n    await handleOrder',
      ],
    ],
    fails: ['ack', 'share', 'history', 'crash', 'dead', 'reclaim'],
  },
  {
    mistake: 'XACK in a finally',
    changes: [
      [
        '    return false;\n  }\n  await redis.xack(STREAM, GROUP, id);\n  return true;',
        '    return false;\n  } finally {\n    await redis.xack(STREAM, GROUP, id);\n  }\n  return true;',
      ],
    ],
    fails: ['ack', 'dead', 'history', 'reclaim'],
  },
  {
    mistake: 'NOACK',
    changes: [
      [
        "'BLOCK', blockMs, 'STREAMS', STREAM, '>')",
        "'BLOCK', blockMs, 'NOACK', 'STREAMS', STREAM, '>')",
      ],
    ],
    fails: ['ack', 'share', 'history', 'crash', 'dead'],
  },
  {
    mistake: 'the handler is not awaited',
    changes: [
      [
        '    await handleOrder(readOrder(fields), id);',
        '    handleOrder(readOrder(fields), id).catch(console.error);',
      ],
    ],
    fails: ['ack', 'crash', 'dead', 'share', 'reclaim'],
    mayFail: ['history', 'stop'],
  },
  {
    mistake: 'an error ends the loop',
    changes: [
      [
        '    console.error(`order ${id} failed, and is tried again later:`, error);\n    return false;',
        '    throw error;',
      ],
    ],
    fails: ['ack', 'dead', 'history', 'reclaim'],
  },
  {
    mistake: 'DELCONSUMER when it stops',
    changes: [
      [
        "    signal.removeEventListener('abort', disconnect);",
        "    await redis.xgroup('DELCONSUMER', STREAM, GROUP, name);\n    signal.removeEventListener('abort', disconnect);",
      ],
    ],
    fails: ['ack'],
  },
  {
    mistake: 'one consumer name for all',
    changes: [["'GROUP', GROUP, name, 'COUNT', 1,", "'GROUP', GROUP, 'worker', 'COUNT', 1,"]],
    fails: ['ack', 'share', 'history'],
  },
  {
    mistake: 'a group for each worker',
    changes: [
      ["'GROUP', GROUP, name, 'COUNT', 1,", "'GROUP', name, name, 'COUNT', 1,"],
      [
        '  await createGroup(redis);\n  // A blocked',
        "  await createGroup(redis);\n  await redis.xgroup('CREATE', STREAM, name, '0').catch(() => {});\n  // A blocked",
      ],
    ],
    fails: ['ack', 'share', 'stop', 'history', 'dead'],
  },
  {
    mistake: 'takes orders from workers that are alive',
    changes: [
      [
        'await reclaimOrders(redis, name, minIdleMs, handleOrder, signal);',
        'await reclaimOrders(redis, name, 0, handleOrder, signal);',
      ],
      ['nextReclaim = Date.now() + minIdleMs / 2;', 'nextReclaim = Date.now() + 50;'],
    ],
    fails: ['share'],
    mayFail: ['ack', 'history'],
  },
  {
    mistake: 'blocks for 5 seconds, and is not woken',
    changes: [
      ["  signal.addEventListener('abort', disconnect, { once: true });\n", ''],
      ['Math.max(1, Math.min(1000, nextReclaim - Date.now()))', '5000'],
    ],
    fails: ['stop', 'crash', 'dead'],
  },
  {
    mistake: 'never blocks',
    changes: [
      [
        "'COUNT', 1, 'BLOCK', blockMs, 'STREAMS', STREAM, '>')",
        "'COUNT', 1, 'STREAMS', STREAM, '>')",
      ],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'leaves its connection open',
    changes: [
      [
        "  } finally {\n    signal.removeEventListener('abort', disconnect);\n    disconnect();\n  }",
        "  } finally {\n    signal.removeEventListener('abort', disconnect);\n  }",
      ],
      ["  signal.addEventListener('abort', disconnect, { once: true });\n", ''],
      ['Math.min(1000, nextReclaim', 'Math.min(200, nextReclaim'],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'quits the connection of its caller',
    changes: [
      [
        "    signal.removeEventListener('abort', disconnect);\n    disconnect();",
        "    signal.removeEventListener('abort', disconnect);\n    disconnect();\n    await redis.quit();",
      ],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'blocks on the connection that it was given, for ever',
    changes: [
      ['const reader = redis.duplicate();', 'const reader = redis;'],
      ['Math.max(1, Math.min(1000, nextReclaim - Date.now()))', '0'],
      ['  const disconnect = () => reader.disconnect();', '  const disconnect = () => {};'],
    ],
    fails: ['stop', 'crash', 'dead'],
  },

  // Looking
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
    changes: [
      [
        '  const [, , , consumers] = (await redis.xpending(STREAM, GROUP)) as PendingSummary;\n  return Object.fromEntries((consumers ?? []).map(([name, count]) => [name, Number(count)]));',
        "  const counts: Record<string, number> = {};\n  const range = await redis.xpending(STREAM, GROUP, '-', '+', 100);\n  for (const [, name] of range as PendingEntry[]) counts[name] = (counts[name] ?? 0) + 1;\n  return counts;",
      ],
    ],
    fails: ['pending'],
  },
  {
    mistake: 'forgets that nothing may be pending',
    changes: [['(consumers ?? []).map', 'consumers!.map']],
    fails: ['pending'],
  },

  // Taking over
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
    fails: ['reclaim'],
  },
  {
    mistake: 'takes over whatever is pending',
    changes: [
      [
        'await redis.xautoclaim(STREAM, GROUP, name, minIdleMs, cursor',
        'await redis.xautoclaim(STREAM, GROUP, name, 0, cursor',
      ],
    ],
    fails: ['share', 'reclaim'],
  },
  {
    mistake: 'acknowledges what it takes over, and does not handle it',
    changes: [
      [
        '      if (await settle(redis, entry, handleOrder)) handled++;',
        '      await redis.xack(STREAM, GROUP, entry[0]);\n      handled++;',
      ],
    ],
    fails: ['reclaim', 'trimmed', 'crash', 'dead'],
  },
  {
    mistake: 'handles what it takes over, and does not acknowledge it',
    changes: [
      [
        '      if (await settle(redis, entry, handleOrder)) handled++;',
        '      await handleOrder(readOrder(entry[1]), entry[0]);\n      handled++;',
      ],
    ],
    fails: ['reclaim', 'trimmed', 'crash', 'dead'],
  },
  {
    mistake: 'returns nothing',
    changes: [['  return handled;\n', '  return 0;\n']],
    fails: ['reclaim', 'trimmed'],
  },
  {
    mistake: 'chokes on an order that was trimmed away',
    changes: [
      [
        '  if (!fields) {\n    // Trimmed away while it was pending. There is nothing left to work on.\n    await redis.xack(STREAM, GROUP, id);\n    return false;\n  }\n',
        '',
      ],
      ['handleOrder(readOrder(fields), id)', 'handleOrder(readOrder(fields!), id)'],
      ['await bury(redis, id, fields);', 'await bury(redis, id, fields!);'],
      ['    await handleOrder', '    await 0;\n    await handleOrder'],
      [
        '    console.error(`order ${id} failed, and is tried again later:`, error);\n    return false;',
        '    if (error instanceof TypeError) throw error;\n    return false;',
      ],
    ],
    fails: ['trimmed'],
  },
  {
    mistake: 'handles an empty order for what was trimmed away',
    changes: [
      [
        '  if (!fields) {\n    // Trimmed away while it was pending. There is nothing left to work on.\n    await redis.xack(STREAM, GROUP, id);\n    return false;\n  }\n',
        '',
      ],
      ['handleOrder(readOrder(fields), id)', 'handleOrder(readOrder(fields ?? []), id)'],
      ['await bury(redis, id, fields);', 'await bury(redis, id, fields ?? []);'],
    ],
    fails: ['trimmed'],
  },
  {
    mistake: 'never reads what its own name has left',
    changes: [['    await finishOwn(redis, name, handleOrder, signal);\n', '']],
    fails: ['trimmed', 'history'],
  },
  {
    mistake: 'reads what its own name has left after the first new order',
    changes: [
      ['    await finishOwn(redis, name, handleOrder, signal);\n', ''],
      [
        '        for (const entry of entries) await settle(redis, entry, handleOrder);',
        '        for (const entry of entries) await settle(redis, entry, handleOrder);\n        await finishOwn(redis, name, handleOrder, signal);',
      ],
    ],
    fails: ['ack', 'history'],
    mayFail: ['dead'],
  },
  {
    mistake: 'never takes over what others have left',
    changes: [['        await reclaimOrders(redis, name, minIdleMs, handleOrder, signal);\n', '']],
    fails: ['crash', 'dead'],
  },
  {
    mistake: 'takes over only when there is nothing new',
    changes: [
      ['        await reclaimOrders(redis, name, minIdleMs, handleOrder, signal);\n', ''],
      [
        '      for (const [, entries] of reply ?? []) {',
        '      if (!reply && !signal.aborted) {\n        await reclaimOrders(redis, name, minIdleMs, handleOrder, signal);\n      }\n      for (const [, entries] of reply ?? []) {',
      ],
    ],
    fails: ['crash'],
  },
  {
    mistake: 'blocks for ever, and takes over in the same loop',
    changes: [['Math.max(1, Math.min(1000, nextReclaim - Date.now()))', '0']],
    fails: ['crash', 'dead'],
  },
  {
    mistake: 'tries a poisonous order for ever',
    changes: [['  if (await isPoison(redis, id)) {', '  if (false) {']],
    fails: ['dead'],
  },
  {
    mistake: 'puts an order aside after the first failure',
    changes: [['MOST_DELIVERIES = 3', 'MOST_DELIVERIES = 1']],
    fails: ['reclaim', 'trimmed', 'history', 'crash', 'dead'],
  },
  {
    mistake: 'puts an order aside without acknowledging it',
    changes: [
      [
        "    .xadd(DEAD_LETTERS, '*', ...fields, 'originalId', id)\n    .xack(STREAM, GROUP, id)",
        "    .xadd(DEAD_LETTERS, '*', ...fields, 'originalId', id)",
      ],
    ],
    fails: ['dead'],
  },
  {
    mistake: 'puts an order aside without saying which it was',
    changes: [["...fields, 'originalId', id)", '...fields)']],
    fails: ['dead'],
  },
  {
    mistake: 'looks whether there is a group, and makes it if not',
    changes: [
      [
        '  try {\n    // From `0`: orders that were there before the group are orders too.\n',
        "  const there = await redis.exists(STREAM);\n  const groups = there ? ((await redis.xinfo('GROUPS', STREAM)) as unknown[][]) : [];\n  if (groups.some((group) => group[1] === GROUP)) return;\n  {\n",
      ],
      [
        "  } catch (error) {\n    if (!isReply(error, 'BUSYGROUP')) throw error;\n  }\n}\n\n/**\n * Tasks 3",
        '  }\n}\n\n/**\n * Tasks 3',
      ],
    ],
    fails: ['group-again'],
    mayFail: ['share', 'crash', 'dead', 'stop'],
  },
  {
    mistake: 'finishes the first page of what it has left',
    changes: [
      ['const PAGE = 100;', 'const PAGE = 10;'],
      ['    if (entries.length === 0) return;\n', '    return;\n'],
    ],
    fails: ['history'],
  },
  {
    mistake: 'works through a batch after it was told to stop',
    changes: [["'COUNT', 1, 'BLOCK'", "'COUNT', 100, 'BLOCK'"]],
    fails: ['stop'],
    mayFail: ['share', 'crash'],
  },
  {
    mistake: 'leaves a connection open that has another name',
    changes: [
      ['redis.duplicate();', 'redis.duplicate({ connectionName: `${name}-reader` });'],
      ["  signal.addEventListener('abort', disconnect, { once: true });\n", ''],
      ['Math.min(1000, nextReclaim', 'Math.min(200, nextReclaim'],
      ["    signal.removeEventListener('abort', disconnect);\n    disconnect();\n", ''],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'works only once in a process',
    changes: [
      ['const PAGE = 100;', 'const PAGE = 100;\nlet running = true;'],
      [
        'const disconnect = () => reader.disconnect();',
        'const disconnect = () => {\n    running = false;\n    reader.disconnect();\n  };',
      ],
      [
        '    while (!signal.aborted) {\n      if (Date.now()',
        '    while (running) {\n      if (Date.now()',
      ],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'counts in memory how often an order has failed',
    changes: [
      ['const PAGE = 100;', 'const PAGE = 100;\nconst failures = new Map<string, number>();'],
      [
        '  const range = await redis.xpending(STREAM, GROUP, id, id, 1);\n  const [pending] = range as PendingEntry[];\n  return pending !== undefined && pending[3] > MOST_DELIVERIES;\n',
        '  await redis.ping();\n  return (failures.get(id) ?? 0) >= MOST_DELIVERIES;\n',
      ],
      [
        '    await handleOrder(readOrder(fields), id);\n  } catch (error) {\n',
        '    await handleOrder(readOrder(fields), id);\n  } catch (error) {\n    failures.set(id, (failures.get(id) ?? 0) + 1);\n',
      ],
    ],
    fails: ['dead'],
  },
  {
    mistake: 'acknowledges an order before it is put aside',
    changes: [
      [
        "  await redis\n    .multi()\n    .xadd(DEAD_LETTERS, '*', ...fields, 'originalId', id)\n    .xack(STREAM, GROUP, id)\n    .exec();\n",
        "  await redis.xack(STREAM, GROUP, id);\n  await redis.xadd(DEAD_LETTERS, '*', ...fields, 'originalId', id);\n",
      ],
    ],
    fails: ['dead'],
  },
];
