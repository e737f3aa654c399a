import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'cart/watch-and-multi.ts',
    mistake: 'last and quantity are read before WATCH',
    changes: [
      [
        '      else if (n > 0) tx.hset(cartKey(userId), event.item, toText(n));\n',
        '      else if (n > 0) tx.hincrby(cartKey(userId), event.item, event.sign * event.n);\n',
      ],
      [
        `  await withConnection(redis, (own) =>
    transact(own, [cartKey(userId), lastKey(userId)], () =>
      planChange(own, userId, id, toFields(event)),
    ),
  );
`,
        `  await withConnection(redis, async (own) => {
    const plan = await planChange(own, userId, id, toFields(event));
    await transact(own, [cartKey(userId), lastKey(userId)], async () => plan);
  });
`,
      ],
    ],
    fails: ['once'],
  },
  {
    base: 'cart/watch-and-multi.ts',
    mistake: 'checkout deletes the remembered id together with the cart',
    changes: [
      [
        `      if (event.sign === 0) tx.del(cartKey(userId));
      else if (n > 0) tx.hset(cartKey(userId), event.item, toText(n));
`,
        `      if (event.sign === 0) {
        tx.del(cartKey(userId), lastKey(userId));
        return;
      }
      if (n > 0) tx.hset(cartKey(userId), event.item, toText(n));
`,
      ],
    ],
    fails: ['once'],
  },
  {
    base: 'cart/watch-and-multi.ts',
    mistake: 'rebuild writes the cart and leaves the remembered id as it was',
    changes: [['        tx.set(lastKey(userId), id);\n', '']],
    fails: ['rebuild'],
    mayFail: ['rebuild-live', 'snapshots', 'unexpected'],
  },
  {
    base: 'cart/watch-and-multi.ts',
    mistake: 'from the second page on, a page begins with the last entry of the page before',
    changes: [
      [
        'async function foldOn(own: Redis, userId: string, cart: Cart, id: string): Promise<string> {\n',
        `async function foldOn(own: Redis, userId: string, cart: Cart, id: string): Promise<string> {
  let start = id === '' ? '-' : \`(\${id}\`;
`,
      ],
      ["    const start = id === '' ? '-' : `(${id}`;\n", ''],
      [
        '    if (page.length < PAGE) return id;\n',
        `    if (page.length < PAGE) return id;
    start = id;
`,
      ],
    ],
    fails: ['rebuild'],
  },
  {
    base: 'cart/watch-and-multi.ts',
    mistake: 'a pending entry that is no longer in the stream is skipped',
    changes: [
      ['        else await this.ifMine(userId, (tx) => tx.xack(stream, GROUP, id));\n', ''],
    ],
    fails: ['redelivered'],
  },
  {
    base: 'cart/watch-and-multi.ts',
    mistake: 'takes over from one dead consumer after the other; their events were interleaved',
    changes: [
      [
        "      pending = (await this.redis.xpending(stream, GROUP, '-', '+', 50)) as typeof pending;\n",
        `      const [, , , left] = (await this.redis.xpending(stream, GROUP)) as [
        number,
        string,
        string,
        [string, string][] | null,
      ];
      const from = left?.[0]?.[0];
      if (from !== undefined)
        pending = (await this.redis.xpending(stream, GROUP, '-', '+', 50, from)) as typeof pending;
`,
      ],
    ],
    fails: ['crash'],
  },
  {
    base: 'cart/watch-and-multi.ts',
    mistake:
      "the rank is worked out from the time of the start; of those who start in the same millisecond nobody is first, and what is left over is nobody's",
    changes: [
      [
        '    const rank = living.indexOf(this.me);\n',
        `    const since = (member: string): number => Number(member.split('/')[0]);
    const rank = living.filter((member) => since(member) <= this.startedAt).length - 1;
`,
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'cart/watch-and-multi.ts',
    mistake: 'SETNX and PEXPIRE in two steps: who dies in between leaves a lease without an end',
    changes: [
      [
        `      const taken = await this.redis.set(leaseKey(userId), this.me, 'PX', this.ttl, 'NX');
      if (taken === 'OK') this.mine.add(userId);
`,
        `      const taken = await this.redis.setnx(leaseKey(userId), this.me);
      if (taken) await this.redis.pexpire(leaseKey(userId), this.ttl);
      if (taken) this.mine.add(userId);
`,
      ],
    ],
    fails: ['crash'],
  },
];
