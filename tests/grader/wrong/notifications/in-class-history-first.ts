import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'notifications/class-history-first.ts',
    mistake:
      'looks with XINFO GROUPS and then creates: two at the same instant, and one of them rejects with BUSYGROUP',
    changes: [
      [
        `    try {
      await this.redis.xgroup('CREATE', STREAM, this.name, '0', 'MKSTREAM');
    } catch (error) {
      if (!hasCode(error, 'BUSYGROUP')) throw error;
    }
`,
        `    const groups = (await this.redis.xinfo('GROUPS', STREAM).catch((error: unknown) => {
      if (!hasCode(error, 'ERR')) throw error;
      return [];
    })) as string[][];
    if (groups.some((group) => group[1] === this.name)) return;
    await this.redis.xgroup('CREATE', STREAM, this.name, '0', 'MKSTREAM');
`,
      ],
    ],
    fails: ['groups-again', 'unexpected'],
  },
  {
    base: 'notifications/class-history-first.ts',
    mistake: 'an empty field counts as a missing one',
    changes: [
      [
        `    if (
      type === undefined ||
      userId === undefined ||
      message === undefined ||
      timestamp === undefined
    ) {
`,
        '    if (!type || !userId || !message || !timestamp) {\n',
      ],
    ],
    fails: [
      'ack',
      'crash',
      'deliver',
      'every-group',
      'retry',
      'routes',
      'share',
      'slow',
      'stop',
      'unexpected',
    ],
  },
  {
    base: 'notifications/class-history-first.ts',
    mistake: 'copies only the four fields that it knows',
    changes: [
      [
        '    const copy: (string | Buffer)[] = raw ? raw[1] : fields;\n',
        `    const all: (string | Buffer)[] = raw ? raw[1] : fields;
    const copy: (string | Buffer)[] = [];
    for (let i = 0; i + 1 < all.length; i += 2) {
      if (['userId', 'type', 'message', 'timestamp'].includes(String(all[i])))
        copy.push(all[i]!, all[i + 1]!);
    }
`,
      ],
    ],
    fails: ['unexpected'],
  },
  {
    base: 'notifications/class-history-first.ts',
    mistake:
      'an error that Redis has answered is always taken for our own, also when deliver rejects with it',
    changes: [
      [
        "import type { Redis } from 'ioredis';\n",
        "import { ReplyError, type Redis } from 'ioredis';\n",
      ],
      [
        '    } catch {\n',
        `    } catch (error) {
      if (error instanceof ReplyError) throw error; // Redis, not the provider.
`,
      ],
    ],
    fails: ['ack'],
  },
  {
    base: 'notifications/class-history-first.ts',
    mistake: 'after a failure the rest of the batch is dropped, and waits until it is idle',
    changes: [
      [
        '    } catch {\n',
        `    } catch {
      this.queue = []; // The provider is down: the rest would fail, too.
`,
      ],
    ],
    fails: ['ack'],
  },
  {
    base: 'notifications/class-history-first.ts',
    mistake:
      'acknowledges at the take-over, before the delivery: lost when it fails or the worker dies',
    changes: [
      [
        '    if (due) {\n',
        `    if (due) {
      if (due.fields !== null) await this.group.done(due.id); // Ours now: nobody else shall take it.
`,
      ],
    ],
    fails: ['crash', 'retry'],
  },
  {
    base: 'notifications/class-history-first.ts',
    mistake:
      'reads its own history again and again, not only at the start: what failed is tried again at once',
    changes: [
      [
        '      this.history = undefined;\n',
        "      this.history = '0'; // Next time: what has failed since.\n",
      ],
    ],
    fails: ['retry'],
  },
  {
    base: 'notifications/class-history-first.ts',
    mistake:
      'at a restart the sweep and the own history deliver the same ones, one right after the other',
    changes: [
      [
        '        this.queue = old.filter(({ id }) => !this.tried.has(id));\n',
        '        this.queue = old;\n',
      ],
    ],
    fails: ['retry'],
  },
  {
    base: 'notifications/class-history-first.ts',
    mistake: 'takes a hundred at a time and does not look whether they are still its own',
    changes: [
      ['const BATCH = 5;\n', 'const BATCH = 100;\n'],
      [
        `/** KEYS: stream. ARGV: group, consumer, id. Starts the idle time again, if the entry is still the consumer's. */
const HOLD = \`
local item = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2])[1]
if not item then return 0 end
return #redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'JUSTID')
\`;

`,
        '',
      ],
      [
        '    if (next && (await this.stillOurs(next))) await this.handle(next);\n',
        '    if (next) await this.handle(next);\n',
      ],
      [
        `  /** What has waited for long may belong to somebody else by now. */
  private async stillOurs(taken: Taken): Promise<boolean> {
    if (performance.now() - taken.takenAt < this.minIdleMs / 4) return true;
    const held = await this.redis.eval(HOLD, 1, STREAM, this.group.name, this.name, taken.id);
    return held === 1;
  }

`,
        '',
      ],
    ],
    fails: ['share'],
  },
  {
    base: 'notifications/class-history-first.ts',
    mistake: 'looks at the signal between batches only: the rest of a batch begins after the abort',
    changes: [
      [
        `    const next = this.queue.shift();
    if (next && (await this.stillOurs(next))) await this.handle(next);
`,
        `    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
      if (await this.stillOurs(next)) await this.handle(next);
    }
`,
      ],
      [
        `  private async handle({ id, fields }: Taken): Promise<void> {
    if (this.signal.aborted) return;
`,
        '  private async handle({ id, fields }: Taken): Promise<void> {\n',
      ],
    ],
    fails: ['stop'],
  },
  {
    base: 'notifications/class-history-first.ts',
    mistake: 'listens for errors on the redis of the caller, and never leaves off',
    changes: [
      [
        "    this.reader.on('error', () => {});\n",
        `    this.reader.on('error', () => {});
    this.redis.on('error', () => {});
`,
      ],
    ],
    fails: ['stop'],
  },
];
