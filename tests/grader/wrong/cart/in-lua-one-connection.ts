import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'cart/lua-one-connection.ts',
    mistake: `users are looked for every half lease, without an upper bound: with a lease of more than 4 seconds a new user waits too long`,
    changes: [
      [
        `      nextSweep = performance.now() + Math.max(20, Math.min(500, leaseMs / 2));
`,
        `      nextSweep = performance.now() + Math.max(20, leaseMs / 2);
`,
      ],
    ],
    fails: ['new-users'],
  },
];
