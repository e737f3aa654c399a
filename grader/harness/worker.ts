import type { Redis } from 'ioredis';
import type { CallResult, Reference, SupervisorFunctions } from '../messages.ts';
import { SubmissionError } from './submission-error.ts';
import { Unmet } from './unmet.ts';

/** A loop has a second to return once its signal is aborted. The rest allows for the server's clock. */
const RETURN_WITHIN_MS = 1500;

/** The functions of a submission as a spec calls them: without `redis`, which each worker brings itself. */
export type Remote<Submission> = {
  [Name in keyof Submission as Submission[Name] extends (
    redis: Redis,
    ...args: never[]
  ) => Promise<unknown>
    ? Name
    : never]: Submission[Name] extends (redis: Redis, ...args: infer Args) => infer Result
    ? (...args: Args) => Result
    : never;
};

/** What a worker needs of the trial that it takes part in. */
export interface Surroundings {
  readonly supervisor: SupervisorFunctions;
  /** Ends the trial: a loop has returned too early, or has thrown. */
  fail(error: Error): void;
  /** Keeps a function that the submission will call. */
  keepCallback(callback: (...args: unknown[]) => unknown): number;
  /** Keeps a signal that will be aborted. */
  keepSignal(): number;
}

/** One worker process with the submission in it, and a connection of its own. */
export class Worker<Submission> {
  readonly name: string;
  readonly host: number;
  /** Calls of the submission, each a message to the worker's process. */
  readonly call: Remote<Submission>;
  readonly #around: Surroundings;
  /** Whether the check itself has killed it. */
  gone = false;
  /** Whether the check keeps it paused at the moment. */
  paused = false;

  constructor(name: string, host: number, around: Surroundings) {
    this.name = name;
    this.host = host;
    this.#around = around;
    this.call = this.#remote((name, args) => this.#send(name, args));
  }

  /**
   * Starts a function that runs until its signal is aborted. The trial fails when it ends before that.
   *
   * @param begin calls the function, with the signal where it belongs
   */
  start(begin: (submission: Remote<Submission>, signal: AbortSignal) => Promise<void>): Loop {
    const signal = this.#around.keepSignal();
    let started = '';
    let running: Promise<unknown> = Promise.resolve();
    const remote = this.#remote((name, args) => {
      started = name;
      running = this.#send(name, args, signal);
      return running;
    });
    void begin(remote, new AbortController().signal).catch(() => {});
    const loop = new Loop(started, signal, this, running, this.#around.supervisor);
    void loop.ended.then((outcome) => {
      if (loop.stopping || this.gone) return;
      if (outcome instanceof Error) this.#around.fail(outcome);
      else {
        this.#around.fail(
          new Unmet(`${started} works until its signal is aborted`, 'it returned by itself'),
        );
      }
    });
    return loop;
  }

  /** SIGKILL: to the process, wherever it is in its work. */
  async crash(): Promise<void> {
    this.gone = true;
    await this.#around.supervisor.signal(this.host, 'SIGKILL');
  }

  /** SIGSTOP: as a long pause of the garbage collector, or a virtual machine that is moved. */
  async pause(): Promise<void> {
    this.paused = true;
    await this.#around.supervisor.signal(this.host, 'SIGSTOP');
  }

  async resume(): Promise<void> {
    await this.#around.supervisor.signal(this.host, 'SIGCONT');
    this.paused = false;
  }

  #remote(send: (name: string, args: unknown[]) => Promise<unknown>): Remote<Submission> {
    return new Proxy({} as Remote<Submission>, {
      get: (_, name) => {
        return (...args: unknown[]) => send(String(name), args);
      },
    });
  }

  async #send(name: string, args: readonly unknown[], signal?: number): Promise<unknown> {
    const encoded = this.#encoded(args, signal);
    return valueFrom(await this.#around.supervisor.call(this.host, name, encoded));
  }

  #encoded(args: readonly unknown[], signal?: number): unknown[] {
    return args.map((argument) => this.#encode(argument, signal));
  }

  /** What cannot be copied to another process is replaced by a reference to it. */
  #encode(value: unknown, signal: number | undefined): unknown | Reference {
    if (typeof value === 'function') {
      return {
        $callback: this.#around.keepCallback((...args) => Reflect.apply(value, null, args)),
      };
    }
    if (value instanceof AbortSignal) return { $signal: signal };
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [key, this.#encode(part, signal)]),
    );
  }
}

/** A function of the submission that runs until it is told to stop. */
export class Loop {
  /** The error that ended it, or undefined; resolves when it is over. */
  readonly ended: Promise<Error | undefined>;
  stopping = false;
  readonly #name: string;
  readonly #signal: number;
  readonly #worker: { readonly host: number; readonly name: string };
  readonly #supervisor: SupervisorFunctions;

  constructor(
    name: string,
    signal: number,
    worker: { readonly host: number; readonly name: string },
    running: Promise<unknown>,
    supervisor: SupervisorFunctions,
  ) {
    this.#name = name;
    this.#signal = signal;
    this.#worker = worker;
    this.#supervisor = supervisor;
    this.ended = running.then(
      () => undefined,
      (error) => (error instanceof Error ? error : new Error(String(error))),
    );
  }

  /**
   * Aborts the signal, and gives the loop time to return. How it does that is not judged here: who cannot stop yet loses
   * the points for stopping, and no others.
   */
  async end(): Promise<void> {
    this.stopping = true;
    await this.#supervisor.abort(this.#worker.host, this.#signal, RETURN_WITHIN_MS);
  }

  /**
   * Aborts the signal, and expects the loop to return.
   *
   * @throws Unmet when it does not return within a second, or throws instead
   */
  async stop(): Promise<void> {
    this.stopping = true;
    const { host, name } = this.#worker;
    const { inTime } = await this.#supervisor.abort(host, this.#signal, RETURN_WITHIN_MS);
    if (!inTime) {
      throw new Unmet(
        `${this.#name} returns within a second when its signal is aborted`,
        `worker ${name} was still running. Is it waiting in a blocked read, or working on until nothing is left?`,
      );
    }
    const error = await this.ended;
    if (error) throw error;
  }
}

function valueFrom(outcome: CallResult): unknown {
  if (outcome.ok) return outcome.value;
  throw new SubmissionError(outcome.problem);
}
