import type { Redis } from 'ioredis';

/**
 * What a scene (`scene.ts` in a chapter's folder) can do. A scene is the script that
 * `npm run chapter 3` plays: it starts the chapter's programs as processes of their own, says what
 * to look at, and ends. Its default export is a function that gets a Stage.
 */
export interface Stage {
  /** A connection of the scene's own, to look at what the programs do. */
  readonly redis: Redis;
  /** `--live`: what goes on by itself may be left running at the end of the scene. */
  readonly live: boolean;
  /** A line that begins a new part. */
  heading(text: string): void;
  /** A paragraph for the reader. */
  say(text: string): void;
  /** Runs a program of this chapter to its end, its output on the screen. */
  run(program: string, ...args: string[]): Promise<void>;
  /** Starts a program and goes on; `program` may name another chapter's: `02-producing/producer`. */
  start(program: string, options?: StartOptions): Actor;
  /** Sends a command, typed as in redis-cli, and shows it with the server's reply. */
  show(command: string): Promise<void>;
  /** Waits for a condition; gives up with an error that names `what` after some seconds. */
  until(what: string, condition: () => Promise<boolean>): Promise<void>;
}

export interface StartOptions {
  readonly args?: readonly string[];
  /** The name before each of its lines; without it, the program's own name. */
  readonly as?: string;
}

/** A program that a scene has started. */
export interface Actor {
  /** Waits for a line of its output, from now on, that `pattern` matches. */
  says(pattern: RegExp): Promise<string>;
  /** Ends it as Ctrl+C does (SIGINT), and waits until it has tidied up. */
  stop(): Promise<void>;
  /** Ends it as a crash does (SIGKILL): it gets no chance to tidy up. */
  crash(): Promise<void>;
  /** Waits until it has ended by itself. */
  finish(): Promise<void>;
}

/** What a scene file exports: its default, and the keys that it wants to find empty. */
export interface Scene {
  readonly default: (stage: Stage) => Promise<void>;
  readonly keys: readonly string[];
}
