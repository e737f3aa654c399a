import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'cart/one-script-a-tick.ts',
    mistake: `SCAN ends at the first empty page; with MATCH, among many other keys, pages are empty long before the cursor is 0`,
    changes: [
      [
        `  do {
`,
        `  for (;;) {
`,
      ],
      [
        `      'stream',
    );
`,
        `      'stream',
    );
    if (page.length === 0) break;
`,
      ],
      [
        `    for (const key of page) users.add(key.slice(EVENTS.length));
`,
        `    for (const key of page) users.add(key.slice(EVENTS.length));
    if (next === '0') break;
`,
      ],
      [
        `  } while (cursor !== '0');
`,
        `  }
`,
      ],
    ],
    fails: ['new-users'],
  },
];
