import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'orders/batch-concurrent.ts',
    mistake: 'an error of Redis that the handler rejects with is taken for one of the worker',
    changes: [
      [
        '    } catch {\n',
        `    } catch (error) {
      // Trouble with Redis is not the fault of the order.
      if (error instanceof Error && error.name === 'ReplyError') throw error;
`,
      ],
      [
        '    return new Promise((resolve) => {\n',
        '    return new Promise((resolve, reject) => {\n',
      ],
      ['      });\n', '      }, reject);\n'],
    ],
    fails: ['ack'],
  },
  {
    base: 'orders/batch-concurrent.ts',
    mistake:
      'renews its hold without asking whether the order is still its own: takes it back from who has taken it over',
    changes: [
      [
        `      await toDead(this.redis, job, null);
      return false;
    }
`,
        `      await toDead(this.redis, job, null);
      return false;
    }
    const beat = setInterval(
      () =>
        void this.redis.xclaim(KEYS.orders, GROUP, this.name, 0, job.id, 'JUSTID').catch(() => {}),
      Math.max(20, this.minIdleMs / 20),
    );
`,
      ],
      [
        '    const succeeded = await this.limited(this.call(order, job.id));\n',
        `    const succeeded = await this.limited(this.call(order, job.id));
    clearInterval(beat);
`,
      ],
    ],
    fails: ['share'],
  },
  {
    base: 'orders/batch-concurrent.ts',
    mistake: 'the worker takes one page at each look, so that new orders do not wait',
    changes: [
      [
        "    } while (cursor !== '0-0' && !this.stopped);\n",
        "    } while (cursor !== '0-0' && this.signal === undefined);\n",
      ],
    ],
    fails: ['crash'],
  },
  {
    base: 'orders/batch-concurrent.ts',
    mistake:
      'the acknowledgement belongs to the call, so that a handler that was left behind acknowledges later',
    changes: [
      [
        `    const succeeded = await this.limited(this.call(order, job.id));
    if (succeeded) await this.redis.xack(KEYS.orders, GROUP, job.id);
    return succeeded;
`,
        '    return this.limited(this.call(order, job.id));\n',
      ],
      [
        '      await this.handleOrder(order, id);\n',
        `      await this.handleOrder(order, id);
      await this.redis.xack(KEYS.orders, GROUP, id);
`,
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'orders/batch-concurrent.ts',
    mistake:
      'all workers of the process share one blocking connection, which the first that stops closes',
    changes: [
      [
        'const BATCH = 8;\n\n',
        `const BATCH = 8;

let shared: Redis | undefined;

`,
      ],
      [
        `  const blocking = redis.duplicate();
  blocking.on('error', () => undefined);
`,
        `  shared ??= redis.duplicate().on('error', () => undefined);
  const blocking = shared;
`,
      ],
      [
        '    blocking.disconnect();\n',
        `    blocking.disconnect();
    shared = undefined;
`,
      ],
    ],
    fails: ['stop'],
  },
  {
    base: 'orders/batch-concurrent.ts',
    mistake:
      'knows NOGROUP, and not what Redis 7.0 answers to a blocked read whose stream has gone',
    changes: [
      [
        '        if (!(error instanceof Error) || !/^(NOGROUP|UNBLOCKED)\\b/.test(error.message)) throw error;\n',
        '        if (!(error instanceof Error) || !/^NOGROUP\\b/.test(error.message)) throw error;\n',
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'orders/batch-concurrent.ts',
    mistake: 'NOMKSTREAM: before the first worker has made the stream, orders vanish',
    changes: [
      [
        `  const id = await redis.xadd(
    KEYS.orders,
`,
        `  const id = await redis.xadd(
    KEYS.orders,
    'NOMKSTREAM',
`,
      ],
    ],
    fails: ['publish'],
  },
  {
    base: 'orders/batch-concurrent.ts',
    mistake: 'finishes only the first page of its own orders before it begins new ones',
    changes: [
      ['            after = page.last;\n', ''],
      [
        '            await run.batch(page.jobs);\n',
        `            await run.batch(page.jobs);
            after = null;
            lastLook = 0;
`,
      ],
    ],
    fails: ['history'],
  },
  {
    base: 'orders/batch-concurrent.ts',
    mistake: 'counts the deliveries in its own memory, which starts anew with each worker',
    changes: [
      [
        '  readonly signal: AbortSignal | undefined;\n',
        `  readonly signal: AbortSignal | undefined;
  readonly #times = new Map<string, number>();
`,
      ],
      [
        `    } while (cursor !== '0-0' && !this.stopped);
    return handled;
  }

`,
        `    } while (cursor !== '0-0' && !this.stopped);
    return handled;
  }

  count(id: string): number {
    const times = (this.#times.get(id) ?? 0) + 1;
    this.#times.set(id, times);
    return times;
  }

`,
      ],
      [
        `    return Promise.all(
      entries.map(async ([id, fields]) => {
        const rows = (await this.redis.xpending(KEYS.orders, GROUP, id, id, 1)) as [
          string,
          string,
          number,
          number,
        ][];
        return { id, fields, deliveries: rows[0]?.[3] ?? 1 };
      }),
    );
`,
        '    return entries.map(([id, fields]) => ({ id, fields, deliveries: this.count(id) }));\n',
      ],
      [
        '        .map(async ([id, , idle, deliveries]) => {\n',
        '        .map(async ([id, , idle]) => {\n',
      ],
      [
        '          return entry ? { id, fields: entry[1], deliveries: deliveries + 1 } : null;\n',
        '          return entry ? { id, fields: entry[1], deliveries: this.count(id) } : null;\n',
      ],
      [
        '          await run.batch(entries.map(([id, fields]) => ({ id, fields, deliveries: 1 })));\n',
        `          await run.batch(
            entries.map(([id, fields]) => ({ id, fields, deliveries: run.count(id) })),
          );
`,
      ],
    ],
    fails: ['dead'],
  },
  {
    base: 'orders/batch-concurrent.ts',
    mistake: 'acknowledges what it puts aside before it is in orders:dead',
    changes: [
      ["  await redis.xadd(KEYS.dead, '*', ...fields);\n", ''],
      [
        '  await redis.xack(KEYS.orders, GROUP, job.id);\n',
        `  await redis.xack(KEYS.orders, GROUP, job.id);
  await redis.xadd(KEYS.dead, '*', ...fields);
`,
      ],
    ],
    fails: ['dead', 'unexpected'],
  },
  {
    base: 'orders/batch-concurrent.ts',
    mistake: 'reads the fields by their position',
    changes: [
      [
        `  const map = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) map.set(fields[i] ?? '', fields[i + 1] ?? '');
`,
        '',
      ],
      [
        '    const value = map.get(field);\n',
        "    const value = fields[['productId', 'userId', 'quantity', 'timestamp'].indexOf(field) * 2 + 1];\n",
      ],
    ],
    fails: [
      'ack',
      'crash',
      'dead',
      'history',
      'reclaim',
      'share',
      'stop',
      'trimmed',
      'unexpected',
      'work',
    ],
  },
  {
    base: 'orders/batch-concurrent.ts',
    mistake: "puts a listener for errors on the caller's connection and leaves it there",
    changes: [
      [
        "  blocking.on('error', () => undefined);\n",
        `  blocking.on('error', () => undefined);
  redis.on('error', (error) => console.error(\`\${name}: \${error.message}\`));
`,
      ],
    ],
    fails: ['stop', 'unexpected'],
  },
  {
    base: 'orders/batch-concurrent.ts',
    mistake:
      'marks an order as seen before its handler runs, and acknowledges it unhandled when it comes again after a crash',
    changes: [
      [
        `      await toDead(this.redis, job, null);
      return false;
    }
`,
        `      await toDead(this.redis, job, null);
      return false;
    }
    if ((await this.redis.set(\`orders:seen:\${job.id}\`, this.name, 'EX', 86_400, 'NX')) === null) {
      await this.redis.xack(KEYS.orders, GROUP, job.id);
      return false;
    }
    if (this.stopped) {
      await this.redis.del(\`orders:seen:\${job.id}\`);
      return false;
    }
`,
      ],
      [
        '    const succeeded = await this.limited(this.call(order, job.id));\n',
        `    const succeeded = await this.limited(this.call(order, job.id));
    if (!succeeded) await this.redis.del(\`orders:seen:\${job.id}\`);
`,
      ],
    ],
    fails: ['crash', 'dead', 'history'],
  },
];
