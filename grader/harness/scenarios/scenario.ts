import type { WorkQueue } from '../work-queue.ts';

/** What is done to the workers of a queue, and what is expected of them meanwhile. */
export type Scenario = <Submission, Item>(queue: WorkQueue<Submission, Item>) => Promise<void>;

export const NAMES = ['alice', 'bob', 'carol'] as const;

/** How long nobody may have touched what is taken over while a requirement is checked. */
export const SHORT_IDLE_MS = 300;
