import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'orders/functions-two-connections.ts',
    mistake: `less than a millisecond before the next look the time to block is rounded down to 0, and BLOCK 0 is for ever: without new orders it never looks again`,
    changes: [
      [
        `    const block = Math.max(1, Math.min(MAX_BLOCK_MS, Math.floor(nextLook - performance.now())));
`,
        `    const block = Math.max(0, Math.min(MAX_BLOCK_MS, Math.floor(nextLook - performance.now())));
`,
      ],
    ],
    fails: ['crash'],
  },
];
