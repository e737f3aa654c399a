import { inject } from 'vitest';

// What vitest runs. All that checks is in one file (bundle.ts): to have vitest load it file by file takes longer than many a check.
await import(/* @vite-ignore */ inject('specs'));
