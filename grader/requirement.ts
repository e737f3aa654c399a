/** One thing that a submission has to do: it is checked by itself, and has points of its own. */
export interface Requirement {
  /** A short name that stays the same when requirements are added: `ack`. */
  readonly id: string;
  /** What has to be true, in the words of the exercise. */
  readonly title: string;
  /** Integer points; those of an exercise add up to 100. */
  readonly points: number;
  /** The numbered task of the exercise's README that it belongs to. */
  readonly task: number;
  /** From a nudge to almost the answer. */
  readonly hints: readonly string[];
  /** Where the book teaches it: a chapter's folder, and the heading there. */
  readonly lesson: { readonly chapter: number; readonly heading: string };
}

/** A requirement as it is read from its exercise: with its number there, `npm run grade orders 3`. */
export interface NumberedRequirement extends Requirement {
  readonly number: number;
}

/** How a requirement came out. Only `passed` earns points. */
export type Status = 'passed' | 'failed' | 'not started' | 'crashed' | 'timed out';

/** All that can be said about how a requirement came out. Plain data: it crosses processes. */
export interface Verdict {
  readonly status: Status;
  readonly expected?: string;
  readonly happened?: string;
  /** The place in the learner's file where an error came from: `orders.ts:42:11`. */
  readonly frame?: string;
  /** Who did what when, where that matters: lines of at most 76 columns, times in ms since the check began. */
  readonly sequence?: readonly string[];
  /** What the submission sent to Redis, as lines for redis-cli, each behind its worker's name. */
  readonly commands?: readonly string[];
  /** Streams, groups, pending entries and other keys, as they were at the end. */
  readonly state?: readonly string[];
  /** What the workers printed meanwhile. */
  readonly printed?: readonly { readonly worker: string; readonly text: string }[];
}
