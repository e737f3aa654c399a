// What the three parties of a grading say to each other.
//
//   spec (vitest)  <-- BroadcastChannel -->  supervisor (npm run grade)  <-- a pipe -->  host (the submission)
//
// The supervisor owns every process; the spec only judges. A host is one worker: a process of its own
// that has loaded the submission and holds one connection to Redis.

import type { Verdict } from './requirement.ts';

/** Something that went wrong in a host, told in plain data: an Error does not cross processes whole. */
export type Problem =
  /** The submission threw, or its promise was rejected. `stack` points into the learner's file. */
  | { readonly kind: 'threw'; readonly message: string; readonly stack: string }
  /** It has no function of that name; `found` says what it has instead. */
  | { readonly kind: 'no function'; readonly name: string; readonly found: string }
  /** An error that nobody caught: a rejection without a handler, a throw in a timer. */
  | {
      readonly kind: 'uncaught';
      readonly what: string;
      readonly message: string;
      readonly stack: string;
    }
  /** The process ended by itself, or had to be stopped. */
  | { readonly kind: 'died'; readonly how: string }
  /** It cannot be loaded: a syntax error, a forbidden import, an error at top level. */
  | { readonly kind: 'cannot load'; readonly message: string; readonly stack: string }
  /** It closed the connection that it was given, and that belongs to its caller. */
  | { readonly kind: 'closed client' }
  /** It left listeners on that connection. */
  | { readonly kind: 'listeners left'; readonly events: readonly string[] };

/** The host keeps its ioredis under this name, for the submission to import. */
export const SHARED_REDIS = 'redis-streams-workbook.ioredis';

/** How a handler of a spec fails, other than with an Error of its own. */
export type FailureKind = 'with nothing' | 'with an error of Redis';

/** How a call of the submission came out. */
export type CallResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: Problem; readonly how?: FailureKind };

/** An argument that cannot be copied travels as one of these, and is put together again in the host. */
export type Reference =
  | {
      readonly $callback: number;
      /** Entries for which it throws at once, in the submission's own call. */
      readonly throwsAtOnceFor?: readonly string[];
    }
  | { readonly $signal: number };

/** The pipe between a supervisor and a host, in the host: lines with a seal on each (host/sealed-lines.ts). */
export const CHANNEL_FD = 3;

/**
 * What a host offers to the supervisor. Arguments, outcomes and problems are texts (host/values.ts): what brings them does not look
 * into what a submission has to do with.
 */
export interface HostFunctions {
  /** Resolves to the outcome. */
  load(submission: string): Promise<string>;
  /** Connects to Redis; the name labels the connection. */
  connect(url: string, name: string): Promise<void>;
  /** Resolves to the outcome. @param signals those among the arguments */
  call(name: string, args: string, signals: readonly number[]): Promise<string>;
  /** Aborts a signal. Whether the loop that has it returned within `limitMs`, by the clock of its own process. */
  abort(signal: number, limitMs: number): Promise<boolean>;
  /** Answers as soon as the process comes to it. */
  ping(): Promise<void>;
  /** What Redis answers to PING with this text, on the connection that the submission was given: as others in its process use it. */
  pingRedis(text: string): Promise<string>;
  /**
   * Closes the connection; one that the submission has closed is told as trouble first. Resolves to what is
   * still going on in the process: nothing, it is hoped.
   */
  rest(): Promise<string>;
}

/** What the supervisor offers to a host. */
export interface HostEvents {
  /** The submission calls a function that a spec gave it. Resolves to the outcome. */
  callback(callback: number, args: string): Promise<string>;
  /** Something went wrong while nobody called the submission. */
  trouble(problem: string): void;
}

/** A server for one requirement at a time. */
export interface ServerAddress {
  readonly id: number;
  /** As the submission may use it: a URL, or the path of a Unix socket. */
  readonly url: string;
  /** As the grader uses it. */
  readonly adminUrl: string;
}

/** What the supervisor offers to a spec. */
export interface SupervisorFunctions {
  openServer(): Promise<ServerAddress>;
  /** Ends a server on which something went wrong. The others are used again. */
  closeServer(id: number): Promise<void>;
  /** Gets a process that has loaded the submission and is connected. */
  hire(name: string, url: string): Promise<{ host: number } | { problem: Problem }>;
  call(host: number, name: string, args: unknown[]): Promise<CallResult>;
  abort(host: number, signal: number, limitMs: number): Promise<boolean>;
  /** Sends a signal to the whole process group; SIGKILL resolves when the process is gone. */
  signal(host: number, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Whether the process answers at all. */
  answers(host: number): Promise<boolean>;
  /** What Redis answers to PING with this text, on the connection that the submission was given. */
  pingRedis(host: number, text: string): Promise<unknown>;
  /** Ends a host's work here. A process that is at rest may be used again. */
  dismiss(host: number): Promise<void>;
  /** What the host has printed so far. */
  output(host: number): Promise<string>;
}

/** What a spec offers to the supervisor. */
export interface SpecFunctions {
  callback(host: number, callback: number, args: unknown[]): Promise<CallResult>;
  /** Something went wrong in a host while nobody called it. */
  trouble(host: number, problem: Problem): void;
}

/** What a spec is given when it starts, through vitest's `provide`. */
export interface Assignment {
  /** The folder of the exercise: `01-order-processing`. */
  readonly folder: string;
  /** Where the supervisor of this submission listens; its results go by this name too. */
  readonly channel: string;
  readonly seed: number;
  /** The numbers of the requirements to check, of all that the exercise has. */
  readonly wanted: readonly number[];
}

// Through vitest it goes to a spec what to check, and comes back how that came out.
declare module 'vitest' {
  interface ProvidedContext {
    assignments: readonly Assignment[];
    /** The URL of a file that makes tests of them. */
    specs: string;
  }
  interface TaskMeta {
    verdict?: Verdict;
  }
}
