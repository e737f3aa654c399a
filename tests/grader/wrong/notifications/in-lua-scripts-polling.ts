import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'notifications/lua-scripts-polling.ts',
    mistake: `There is no look at the signal between the answer of Redis and the delivery: an entry that comes in the moment of the abort is delivered after it, and its deadline never starts, as the abort event is over.`,
    changes: [
      [
        `    if (signal.aborted) return;
`,
        ``,
      ],
      [
        `    if (signal.aborted) return false;
`,
        ``,
      ],
    ],
    fails: ['stop'],
  },
];
