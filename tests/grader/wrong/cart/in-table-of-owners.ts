import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'cart/table-of-owners.ts',
    mistake:
      'only a line that reaches exactly 0 goes; one below it stays and counts against the next',
    changes: [['  if n > 0 then\n', '  if n ~= 0 then\n']],
    fails: ['apply', 'once'],
    mayFail: ['crash', 'project', 'rebuild-live', 'share', 'zombie'],
  },
  {
    base: 'cart/table-of-owners.ts',
    mistake: 'rebuild takes a lock without an end; a crash in the middle locks out all later ones',
    changes: [
      [
        `  for (const userId of await findUsers(redis))
    if (await rebuildCart(redis, userId, false)) count += 1;
`,
        `  while ((await redis.set('cart:rebuilding', '1', 'NX')) !== 'OK') await sleep(50);
  try {
    for (const userId of await findUsers(redis))
      if (await rebuildCart(redis, userId, false)) count += 1;
  } finally {
    await redis.del('cart:rebuilding');
  }
`,
      ],
    ],
    fails: ['rebuild-live'],
  },
  {
    base: 'cart/table-of-owners.ts',
    mistake: 'the snapshot is the hash as it is, which may lag behind the stream',
    changes: [
      [
        `  for (const userId of await findUsers(redis))
    if (await rebuildCart(redis, userId, true)) count += 1;
`,
        `  const script = \`
local id = redis.call('GET', KEYS[2])
if not id then return 0 end
redis.call('DEL', KEYS[3])
redis.call('HSET', KEYS[3], '@', id)
local cart = redis.call('HGETALL', KEYS[1])
for i = 1, #cart, 2 do redis.call('HSET', KEYS[3], '=' .. cart[i], cart[i + 1]) end
return 1\`;
  for (const userId of await findUsers(redis)) {
    await redis.eval(script, 3, cartKey(userId), lastKey(userId), snapshotKey(userId));
    count += 1;
  }
`,
      ],
    ],
    fails: ['snapshots'],
  },
  {
    base: 'cart/table-of-owners.ts',
    mistake: 'acknowledges the newest of a helping only, as if it were an offset',
    changes: [
      [
        '    await redis.xack(stream, GROUP, ...entries.map(([id]) => id));\n',
        '    await redis.xack(stream, GROUP, newest[0]);\n',
      ],
    ],
    fails: [
      'crash',
      'new-users',
      'project',
      'rebuild-live',
      'redelivered',
      'share',
      'stop',
      'unexpected',
    ],
  },
  {
    base: 'cart/table-of-owners.ts',
    mistake: "puts an error listener on the caller's connection and leaves it there",
    changes: [
      [
        '  const beatMs = Math.max(10, Math.min(200, leaseMs / 5));\n',
        `  const beatMs = Math.max(10, Math.min(200, leaseMs / 5));
  redis.on('error', (error: Error) => console.error(\`\${name}: \${error.message}\`));
`,
      ],
    ],
    fails: ['stop'],
  },
  {
    base: 'cart/table-of-owners.ts',
    mistake: 'nobody is ever crossed out of the list of the living, but by himself',
    changes: [["redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)\n", '']],
    fails: ['crash', 'zombie'],
  },
  {
    base: 'cart/table-of-owners.ts',
    mistake: 'reads as a consumer of its own for each run, not as `name`',
    changes: [
      [
        `      GROUP,
      name,
`,
        `      GROUP,
      me,
`,
      ],
      ['        name,\n', '        me,\n'],
    ],
    fails: ['project'],
  },
];
