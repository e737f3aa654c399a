import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    // Most tests start real processes, whose speed depends on what else the machine is doing.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    unstubEnvs: true,
    // Most of them wait more than they work.
    maxWorkers: 3,
  },
});
