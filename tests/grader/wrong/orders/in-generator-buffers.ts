import type { Wrong } from '../wrong.ts';

export const wrong: readonly Wrong[] = [
  {
    base: 'orders/generator-buffers.ts',
    mistake: `the half second is counted from the begin of the handler: one that has run longer when the abort comes is left at once`,
    changes: [
      [
        `  const stop = new AbortController();
`,
        `  const stop = new AbortController();
  const begunAt = performance.now();
`,
      ],
      [
        `        timer = setTimeout(() => resolve('left behind'), settings.graceMs);
`,
        `        const left = settings.graceMs - (performance.now() - begunAt);
        timer = setTimeout(() => resolve('left behind'), Math.max(0, left));
`,
      ],
    ],
    fails: ['stop'],
  },
];
