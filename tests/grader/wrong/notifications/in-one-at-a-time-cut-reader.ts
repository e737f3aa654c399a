import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'notifications/one-at-a-time-cut-reader.ts',
    mistake: `When less than a millisecond is left until the next sweep, the wait is rounded down to BLOCK 0, which waits for ever: nothing is retried until something new comes, and a vanished group may go unnoticed.`,
    changes: [
      [
        `        const wait = Math.max(
          1,
`,
        `        const wait = Math.max(
          0,
`,
      ],
    ],
    fails: ['crash'],
    mayFail: ['retry'],
  },
];
