import type { Wrong } from '../wrong.ts';

const ENTRY_BY_ENTRY = 'cart/entry-by-entry.ts';

export const wrong: readonly Wrong[] = [
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'the groups begin at $',
    changes: [["PREFIX + user, GROUP, '0', 'MKSTREAM'", "PREFIX + user, GROUP, '$', 'MKSTREAM'"]],
    fails: [
      'project',
      'new-users',
      'redelivered',
      'stop',
      'share',
      'crash',
      'zombie',
      'unexpected',
    ],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'a lease that does not end by itself',
    changes: [
      ["return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`;", 'return 1 end return 0`;'],
      ["token, 'PX', leaseMs, 'NX')", "token, 'NX')"],
      [
        `  leaseMs: number,
): Promise<boolean> {`,
        `  _leaseMs: number,
): Promise<boolean> {`,
      ],
    ],
    fails: ['crash', 'zombie'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'a lease that is never given back',
    bodies: {
      takeLease: `
  return (await redis.set(leaseOf(user), token, 'NX')) === 'OK' || (await redis.get(leaseOf(user))) === token;
`,
    },
    changes: [
      ['      await redis.eval(RELEASE, 1, leaseOf(user), token);\n', ''],
      [
        `token, leaseMs);
  };`,
        `token, 1e9);
  };`,
      ],
    ],
    fails: ['redelivered', 'crash', 'zombie', 'stop', 'rebuild-live'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'no lease: all read the stream of a user',
    changes: [
      ['      if (!(await takeLease(redis, user, token, leaseMs))) continue;\n', ''],
      ["  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {} end\n", ''],
      ['GROUP, name, 0, cursor', 'GROUP, name, leaseMs, cursor'],
    ],
    fails: ['zombie', 'redelivered'],
    mayFail: ['share', 'crash'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'HINCRBY and XACK, without a look at the last id',
    changes: [
      [
        '      await applyEvent(redis, user, id, event);\n',
        `      const unguarded = APPLY.replace('if last and not newer(id, last) then return end', '');
      const line = event.eventType === 'cart:checkout' ? ['', 0] : [event.itemId, event.quantity];
      await redis.eval(unguarded + ' apply(ARGV[1], ARGV[2], ARGV[3], ARGV[4])', 2, ...keysOf(user).slice(0, 2), id, event.eventType, ...line);
`,
      ],
    ],
    fails: ['redelivered', 'rebuild-live', 'unexpected'],
    mayFail: ['crash', 'zombie'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'what is new before what is pending',
    changes: [
      [
        `  let cursor = '0-0';
  do {
    const page`,
        `  await readNew();
  let cursor = '0-0';
  do {
    const page`,
      ],
      [
        `  while (!signal.aborted) {
    const keys`,
        `  async function readNew(): Promise<void> {
   while (!signal.aborted) {
    const keys`,
      ],
      [
        `    for (const entry of entries) await settle(entry);
  }
}`,
        `    for (const entry of entries) await settle(entry);
   }
  }
}`,
      ],
    ],
    fails: ['crash', 'redelivered'],
    mayFail: ['zombie'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'never takes over what is pending',
    changes: [
      [
        `    for (const entry of entries) if (entry) await settle(entry);
    cursor = next;`,
        '    cursor = next;',
      ],
      ['name, 0, cursor', 'name, 1e9, cursor'],
      ['const [next, entries] = page', 'const [next] = page'],
    ],
    fails: ['redelivered', 'crash', 'zombie'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'rebuilds in steps, while others apply events',
    bodies: {
      rebuildCarts: `
  const users = await findUsers(redis);
  for (const user of users) {
    const entries = await redis.xrange(PREFIX + user, '-', '+');
    await redis.del(\`cart:current:\${user}\`, \`cart:last:\${user}\`);
    for (const [id, fields] of entries) {
      const event = readEvent(fields);
      if (!('reason' in event)) await applyEvent(redis, user, id, event);
    }
  }
  return users.length;
`,
    },
    fails: ['rebuild-live', 'snapshots'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'rebuilds by setting the groups back, and lets the projectors do it',
    bodies: {
      rebuildCarts: `
  const users = await findUsers(redis);
  for (const user of users) {
    await redis.del(\`cart:current:\${user}\`, \`cart:last:\${user}\`);
    await redis.xgroup('SETID', PREFIX + user, GROUP, '0').catch(() => {});
  }
  return users.length;
`,
    },
    fails: ['rebuild', 'snapshots', 'rebuild-live'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'one lease for all users',
    bodies: {
      takeLease: `
  return (
    (await redis.set(leaseOf(user), token, 'PX', leaseMs, 'NX')) === 'OK' ||
    (await redis.eval(RENEW, 1, leaseOf(user), token, leaseMs)) === 1
  );
`,
    },
    changes: [
      [
        'const leaseOf = (user: string) => `cart:lease:${user}`;',
        "const leaseOf = (_user: string) => 'cart:lease';",
      ],
      ['      await redis.eval(RELEASE, 1, leaseOf(user), token);\n', ''],
    ],
    fails: ['share'],
    mayFail: ['crash'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'no pause between two rounds',
    changes: [
      [
        '    await sleep(ROUND_MS, undefined, { signal }).catch(() => {});\n',
        '    await sleep(0);\n',
      ],
    ],
    fails: ['stop'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'BUSYGROUP ends the projector',
    changes: [
      [
        `.catch((error: Error) => {
        if (!error.message.startsWith('BUSYGROUP')) throw error;
      });`,
        ';',
      ],
    ],
    fails: [
      'project',
      'new-users',
      'redelivered',
      'stop',
      'share',
      'crash',
      'rebuild-live',
      'zombie',
      'unexpected',
    ],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'acknowledges before it applies',
    changes: [
      [
        `      await applyEvent(redis, user, id, event);
      await redis.xack(PREFIX + user, GROUP, id);
`,
        `      await redis.xack(PREFIX + user, GROUP, id);
      await applyEvent(redis, user, id, event);
`,
      ],
    ],
    fails: ['project'],
    // Whoever is killed or paused just then loses an event.
    mayFail: ['crash', 'zombie'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'takes over one page only',
    changes: [["while (cursor !== '0-0' && !signal.aborted);", 'while (false);']],
    fails: ['crash'],
    mayFail: ['redelivered'],
  },
];
