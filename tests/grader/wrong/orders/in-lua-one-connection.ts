import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'orders/lua-one-connection.ts',
    mistake: `makes a vanished group again only once in its life: the second time the error ends the worker`,
    changes: [
      [
        `  let lookedAt = -Infinity;
`,
        `  let lookedAt = -Infinity;
  let madeAgain = false;
`,
      ],
      [
        `      if (!/\\bNOGROUP\\b/.test(String((error as Error)?.message))) throw error;
`,
        `      // once more, but not for ever: an error that comes again is a real one
      if (madeAgain || !/\\bNOGROUP\\b/.test(String((error as Error)?.message))) throw error;
      madeAgain = true;
`,
      ],
    ],
    fails: ['unexpected'],
  },
];
