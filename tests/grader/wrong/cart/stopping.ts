import type { Wrong } from '../wrong.ts';

const ENTRY_BY_ENTRY = 'cart/entry-by-entry.ts';
const STAYS = '    if (signal.aborted) return; // stays pending, for whoever has the lease next\n';
const END = `    await sleep(ROUND_MS, undefined, { signal }).catch(() => {});
  }
`;

export const wrong: readonly Wrong[] = [
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'acknowledges the rest of a batch when it is stopped',
    changes: [
      [
        STAYS,
        '    if (signal.aborted) return void (await redis.xack(PREFIX + user, GROUP, id));\n',
      ],
    ],
    fails: ['stop'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'deletes its consumer when it is stopped, and what is pending for it',
    changes: [
      [
        END,
        `${END}  for (const user of await findUsers(redis)) await redis.xgroup('DELCONSUMER', PREFIX + user, GROUP, name).catch(() => {});
`,
      ],
    ],
    fails: ['stop'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'works off all that waits before it looks at the signal',
    changes: [
      [STAYS, ''],
      [
        "while (cursor !== '0-0' && !signal.aborted);\n  while (!signal.aborted) {",
        "while (cursor !== '0-0');\n  while (signal) {",
      ],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'listens for the abort, and does not look whether it has been',
    changes: [
      [
        "  signal.addEventListener('abort', disconnect, { once: true });\n",
        `  signal.addEventListener('abort', disconnect, { once: true });
  let stopped = false;
  signal.addEventListener('abort', () => {
    stopped = true;
  });
`,
      ],
      ['    while (!signal.aborted) {\n', '    while (!stopped) {\n'],
      ['        if (signal.aborted) break;\n', ''],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'one flag for all projectors of a process',
    changes: [
      ['const LONGEST_BLOCK_MS = 100;', 'const LONGEST_BLOCK_MS = 100;\nlet stopped = false;'],
      [
        "  signal.addEventListener('abort', disconnect, { once: true });\n",
        `  signal.addEventListener('abort', disconnect, { once: true });
  stopped = signal.aborted;
  signal.addEventListener('abort', () => {
    stopped = true;
  });
`,
      ],
      ['    while (!signal.aborted) {\n', '    while (!stopped) {\n'],
    ],
    fails: ['stop'],
  },
  {
    mistake: 'leaves a listener on redis with each call',
    changes: [
      [
        "  signal.addEventListener('abort', disconnect, { once: true });\n",
        `  signal.addEventListener('abort', disconnect, { once: true });
  redis.on('error', () => {});
`,
      ],
    ],
    fails: ['stop'],
  },
  {
    base: ENTRY_BY_ENTRY,
    mistake: 'goes on behind the back of whoever has stopped it',
    changes: [
      [
        `): Promise<void> {
  const token =`,
        `): Promise<void> {
  const all = work(redis, name, { signal: new AbortController().signal, leaseMs });
  all.catch(() => {});
  while (!signal.aborted) await sleep(20);
}

async function work(redis: Redis, name: string, { signal, leaseMs }: ProjectorOptions): Promise<void> {
  const token =`,
      ],
    ],
    fails: ['stop'],
    mayFail: ['share', 'redelivered'],
  },
];
