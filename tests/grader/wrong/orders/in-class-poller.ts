import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'orders/class-poller.ts',
    mistake:
      'reads a hundred and handles them one by one: those that wait grow old and are taken over',
    changes: [['          1,\n', '          100,\n']],
    fails: ['share'],
  },
  {
    base: 'orders/class-poller.ts',
    mistake:
      'renews its hold with XCLAIM without JUSTID, so that each heartbeat counts as a delivery',
    changes: [
      [
        '    this.#inHand.add(id);\n',
        `    this.#inHand.add(id);
    const beat = setInterval(
      () => void this.#renew(id).catch(() => {}),
      Math.max(20, this.#minIdleMs / 30),
    );
`,
      ],
      [
        `      if (!(await this.#succeeds(order, id))) return;
    } finally {
`,
        `      if (!(await this.#succeeds(order, id))) return;
    } finally {
      clearInterval(beat);
`,
      ],
      [
        `    this.#handled += 1;
  }

`,
        `    this.#handled += 1;
  }

  /** Only while it is still this worker's. */
  async #renew(id: string): Promise<void> {
    const script = \`local rows = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)
      if #rows == 0 or rows[1][2] ~= ARGV[2] then return 0 end
      redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3])
      return 1\`;
    await this.#redis.eval(script, 1, ORDERS, PROCESSORS, this.#name, id);
  }

`,
      ],
    ],
    fails: ['dead'],
  },
  {
    base: 'orders/class-poller.ts',
    mistake: 'puts aside whatever was delivered too often, also what somebody is busy with',
    changes: [
      [
        '  async poll(): Promise<void> {\n',
        `  async poll(): Promise<void> {
    const held = (await this.#redis.xpending(ORDERS, PROCESSORS, '-', '+', 100)) as Pending[];
    for (const [id, , , deliveries] of held) {
      if (deliveries <= 3) continue;
      const [entry] = await this.#redis.xrange(ORDERS, id, id);
      if (entry) await this.#putAside(id, [...entry[1], 'originalId', id]);
    }
`,
      ],
    ],
    fails: ['dead'],
  },
  {
    base: 'orders/class-poller.ts',
    mistake: 'reads ten, and works through all of them after the abort too',
    changes: [
      ['          1,\n', '          10,\n'],
      [
        '    this.#touched?.add(id);\n',
        `    this.#touched?.add(id);
    if (this.#stopping) return;
`,
      ],
      [
        `  async #process(id: string, fields: string[], deliveries: number): Promise<void> {
    if (this.#stopping) return;
`,
        '  async #process(id: string, fields: string[], deliveries: number): Promise<void> {\n',
      ],
    ],
    fails: ['stop', 'unexpected'],
  },
  {
    base: 'orders/class-poller.ts',
    mistake: 'a group that is there already is set back to 0, to make sure that it sees all orders',
    changes: [
      [
        "    if (!String((error as Error)?.message).startsWith('BUSYGROUP')) throw error;\n",
        `    if (!String((error as Error)?.message).startsWith('BUSYGROUP')) throw error;
    await redis.xgroup('SETID', ORDERS, PROCESSORS, '0');
`,
      ],
    ],
    fails: ['crash', 'dead', 'group-again', 'history', 'share', 'stop'],
    mayFail: ['unexpected'],
  },
  {
    base: 'orders/class-poller.ts',
    mistake: 'looks for abandoned orders every five seconds at most, whatever minIdleMs is',
    changes: [
      [
        '      await this.#sleep(this.#minIdleMs / 2);\n',
        '      await this.#sleep(Math.max(5_000, this.#minIdleMs / 2));\n',
      ],
    ],
    fails: ['crash', 'dead', 'unexpected'],
  },
  {
    base: 'orders/class-poller.ts',
    mistake: 'leaves out what it holds itself',
    changes: [
      [
        '        if (!this.#inHand.has(row[0])) await this.#take(row, this.#minIdleMs);\n',
        '        if (row[1] !== this.#name) await this.#take(row, this.#minIdleMs);\n',
      ],
    ],
    fails: ['dead', 'reclaim'],
  },
  {
    base: 'orders/class-poller.ts',
    mistake: 'finishes its own orders beside the new ones instead of before them',
    changes: [
      [
        `      await this.#finishOwn();
      const loops = [this.#readLoop(reader), this.#pollLoop()].map((loop) =>
`,
        '      const loops = [this.#finishOwn(), this.#readLoop(reader), this.#pollLoop()].map((loop) =>\n',
      ],
    ],
    fails: ['history'],
  },
  {
    base: 'orders/class-poller.ts',
    mistake: 'listens for the abort only, so a signal that is aborted already never stops it',
    changes: [['    if (signal.aborted) return;\n', '']],
    fails: ['stop'],
  },
  {
    base: 'orders/class-poller.ts',
    mistake: 'parseInt: "3 pieces" and "1.5" are taken for numbers',
    changes: [
      ['const WHOLE = /^\\d{1,16}$/;\n\n', ''],
      [
        `  const order = { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) };
  if (!WHOLE.test(quantity) || !Number.isSafeInteger(order.quantity) || order.quantity < 1) {
`,
        `  const order = {
    productId,
    userId,
    quantity: Number.parseInt(quantity, 10),
    timestamp: Number.parseInt(timestamp, 10),
  };
  if (!Number.isSafeInteger(order.quantity) || order.quantity < 1) {
`,
      ],
      [
        '  if (!WHOLE.test(timestamp) || !Number.isSafeInteger(order.timestamp)) {\n',
        '  if (!Number.isSafeInteger(order.timestamp) || order.timestamp < 0) {\n',
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'orders/class-poller.ts',
    mistake: "blocks on the caller's connection for 900 ms",
    changes: [
      [
        `    const reader = this.#redis.duplicate();
    reader.on('error', () => {});
`,
        '    const reader = this.#redis;\n',
      ],
      ['      reader.disconnect();\n', ''],
      ['          250,\n', '          900,\n'],
    ],
    fails: ['crash', 'dead'],
  },
];
