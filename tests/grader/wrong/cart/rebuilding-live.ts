import type { Wrong } from '../wrong.ts';

const ENTRY_BY_ENTRY = 'cart/entry-by-entry.ts';
const WATCH_MULTI = 'cart/watch-multi.ts';

/** The cart as it is worked out in the program, for `rebuildAll`. */
const WORKED_OUT = `
  const users = await findUsers(redis);
  for (const userId of users) {
    const [cart, lastKey, events, snapshotKey] = keysOf(userId);
    const kept = JSON.parse((await redis.get(snapshotKey)) ?? '{"last":"0-0","lines":{}}');
    const lines = new Map<string, number>(Object.entries(kept.lines).map(([item, n]) => [item, Number(n)]));
    const entries = await redis.xrange(events, \`(\${kept.last}\`, '+');
    for (const [, fields] of entries) {
      const event = new Map<string, string>();
      for (let at = 0; at < fields.length; at += 2) event.set(fields[at] ?? '', fields[at + 1] ?? '');
      const [type, item, quantity] = [event.get('eventType'), event.get('itemId'), event.get('quantity')];
      if (type === 'cart:checkout') lines.clear();
      if (!/^item:(add|remove)$/.test(type ?? '') || item === undefined || !/^[1-9]\\d*$/.test(quantity ?? '')) continue;
      const sum = (lines.get(item) ?? 0) + (type === 'item:add' ? 1 : -1) * Number(quantity);
      if (sum > 0) lines.set(item, sum);
      else lines.delete(item);
    }
    const last = entries.at(-1)?.[0] ?? kept.last;
`;
const WRITTEN = `
    const write = redis.multi().del(cart).set(lastKey, last);
    if (lines.size > 0) write.hset(cart, lines);
    if (keep === 'snapshot') write.set(snapshotKey, JSON.stringify({ last, lines: Object.fromEntries(lines) }));
    await write.exec();
  }
  return users.length;
`;

export const wrong: readonly Wrong[] = [
  {
    mistake: 'a rebuild reads, and then writes, whatever projectors have done meanwhile',
    bodies: { rebuildAll: `${WORKED_OUT}${WRITTEN}` },
    fails: ['rebuild-live'],
  },
  {
    mistake: 'a rebuild looks at the last id before it writes, and not while',
    bodies: {
      rebuildAll: `${WORKED_OUT.replace('    const entries', '    const seen = await redis.get(lastKey);\n    const entries')}
    if (seen !== (await redis.get(lastKey))) {
      await runScript(redis, REBUILD, keysOf(userId), keep);
      continue;
    }
${WRITTEN}`,
    },
    fails: ['rebuild-live'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'sets the groups to the end after a rebuild',
    changes: [
      [
        "await Promise.all(users.map((user) => redis.eval(REBUILD, 4, ...keysOf(user), '')));\n",
        `await Promise.all(users.map((user) => redis.eval(REBUILD, 4, ...keysOf(user), '')));
  for (const user of users) await redis.xgroup('SETID', PREFIX + user, GROUP, '$').catch(() => {});
`,
      ],
    ],
    fails: ['rebuild-live'],
  },
  {
    base: WATCH_MULTI,
    mistake: 'whole carts kept in memory, and written back',
    changes: [
      [
        'type Cart = Map<string, number>;\n',
        'type Cart = Map<string, number>;\n\nconst carts = new Map<string, { cart: Cart; last: string }>();\n',
      ],
      [
        `      play(cart, entries);
      return { cart, last: entries.at(-1)?.[0] ?? last };`,
        `      const known = carts.get(user);
      const mine = new Map(known?.last === last ? known.cart : cart);
      play(mine, entries);
      const result = { cart: mine, last: entries.at(-1)?.[0] ?? last };
      carts.set(user, result);
      return result;`,
      ],
    ],
    fails: ['rebuild-live'],
  },
  {
    mistake: 'a lock for rebuilds, without an end',
    changes: [
      [
        '  for (const userId of users) await runScript(redis, REBUILD, keysOf(userId), keep);\n',
        `  while ((await redis.set('cart:rebuilding', '1', 'NX')) !== 'OK') await new Promise((go) => setTimeout(go, 5));
  for (const userId of users) await runScript(redis, REBUILD, keysOf(userId), keep);
  await redis.del('cart:rebuilding');
`,
      ],
    ],
    fails: ['rebuild-live'],
  },
  {
    base: 'cart/lua-catch-up.ts',
    mistake: 'a lock for rebuilds that projectors wait for, without an end',
    bodies: {
      rebuildCarts: `
  const users = await findUsers(redis);
  await redis.set('cart:rebuilding', '1');
  for (const user of users) await redis.eval(REBUILD, 4, ...keysOf(user), '');
  await redis.del('cart:rebuilding');
  return users.length;
`,
    },
    changes: [
      [
        '      await makeGroup(redis, user);\n',
        "      if (await redis.exists('cart:rebuilding')) break;\n      await makeGroup(redis, user);\n",
      ],
    ],
    fails: ['rebuild-live'],
  },
];
