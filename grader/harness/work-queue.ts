import type { Group } from './group.ts';
import type { Handled } from './handled.ts';
import type { Trial } from './trial.ts';
import type { Loop, Worker } from './worker.ts';

/** What a handler does with an entry, by the worker that has it. */
export type Work = (id: string) => unknown;

/** How a worker's loop is started, where it is not as usual. */
export interface StartOptions {
  /** The consumer's name: the worker's own, if it is not said. */
  readonly name?: string;
  /** The signal is aborted before the loop gets it. */
  readonly aborted?: boolean;
  /** Entries for which the handler throws at once, before it returns a promise. */
  readonly throwsAtOnceFor?: readonly string[];
}

/**
 * A group of workers that take entries from one stream and hand them to a handler. Orders and notifications are both
 * worked on like this, so that both are put through the same scenarios.
 */
export interface WorkQueue<Submission, Item> {
  readonly trial: Trial<Submission>;
  readonly group: Group;
  readonly handled: Handled<Item>;
  /** What the entries are called: `order`. */
  readonly what: string;
  /** Adds so many entries, as another service does; none looks like another. */
  add(count: number): Promise<Map<string, Item>>;
  /** How many were added so far. */
  added(): number;
  /** Starts a worker's loop. */
  start(worker: Worker<Submission>, minIdleMs: number, work?: Work, options?: StartOptions): Loop;
}

/** With its article: `an order`, `a notification`. */
export function an(what: string): string {
  return /^[aeiou]/.test(what) ? `an ${what}` : `a ${what}`;
}

/** Nothing gets as old as this while a requirement is checked, nor is made to look so: nobody may take anything over. */
export const NEVER_IDLE_MS = 86_400_000;
