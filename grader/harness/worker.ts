import type { Redis } from 'ioredis';
import { errorMessage } from '../../system/process/user-error.ts';
import type { CallResult, Problem, Reference, SupervisorFunctions } from '../messages.ts';
import type { Diary } from './diary.ts';
import { HandlerFailure, throwsAtOnceFor } from './failures.ts';
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

/** One worker process with the submission in it, and a connection of its own. */
export class Worker<Submission> {
  readonly name: string;
  readonly host: number;
  /** Calls of the submission, each a message to the worker's process. */
  readonly call: Remote<Submission>;
  /** Ends the trial: the submission itself has failed. */
  readonly fail: (error: unknown) => void;
  readonly #supervisor: SupervisorFunctions;
  readonly #diary: Diary;
  readonly #callbacks = new Map<number, (...args: unknown[]) => unknown>();
  #signals = 0;
  /** Whether the check itself has killed it. */
  gone = false;
  /** Whether the check keeps it paused at the moment. */
  paused = false;

  constructor(
    name: string,
    host: number,
    supervisor: SupervisorFunctions,
    fail: (error: unknown) => void,
    diary: Diary,
  ) {
    this.name = name;
    this.host = host;
    this.#supervisor = supervisor;
    this.fail = fail;
    this.#diary = diary;
    this.call = this.#remote((name, args) => this.#send(name, args));
  }

  /**
   * Starts a function that runs until its signal is aborted. The trial fails when it ends before that.
   *
   * @param begin calls the function, with the signal where it belongs
   * @param aborted whether the signal is aborted already when the function gets it: then it is to be stopped at once
   */
  start(
    begin: (submission: Remote<Submission>, signal: AbortSignal) => Promise<void>,
    aborted = false,
  ): Loop {
    const signal = ++this.#signals;
    let started = '';
    let running: Promise<unknown> = Promise.resolve();
    const remote = this.#remote((name, args) => {
      started = name;
      running = this.#send(name, args, signal);
      return running;
    });
    // What is said to a process, it hears in this order.
    if (aborted) void this.#supervisor.abort(this.host, signal, 0);
    void begin(remote, new AbortController().signal).catch(() => {});
    this.#diary.note(this.name, 'starts', started);
    let stopping = aborted;
    const endedEarly = (error: unknown) => {
      if (!stopping && !this.gone) this.fail(error);
    };
    const returned = new Unmet(
      `${started} works until its signal is aborted`,
      'it returned by itself',
      { workers: [this.name] },
    );
    void running.then(
      () => this.#diary.note(this.name, 'returns', started),
      () => {
        if (!this.gone) this.#diary.note(this.name, 'fails', started);
      },
    );
    void running.then(() => endedEarly(returned), endedEarly);
    const abort = () => {
      stopping = true;
      this.#diary.note(this.name, 'is told to stop');
      return this.#supervisor.abort(this.host, signal, RETURN_WITHIN_MS);
    };
    return {
      end: async () => {
        await abort();
      },
      stop: async (hasReturned = () => {}) => {
        if (!(await abort())) {
          throw new Unmet(
            `${started} returns within a second when its signal is aborted`,
            `worker ${this.name} was still running. Is it waiting in a blocked read, or working on until nothing is left?`,
            { workers: [this.name] },
          );
        }
        hasReturned();
        await running;
      },
    };
  }

  /** The submission calls back: a handler of the spec. */
  async callback(id: number, args: unknown[]): Promise<CallResult> {
    const handler = this.#diary.handler(this.name, args);
    try {
      const value = await this.#callbacks.get(id)?.(...args);
      handler.ends();
      return { ok: true, value };
    } catch (error) {
      handler.throws();
      if (error instanceof Unmet) this.fail(error);
      const problem: Problem = { kind: 'threw', message: errorMessage(error), stack: '' };
      return error instanceof HandlerFailure
        ? { ok: false, problem, how: error.how }
        : { ok: false, problem };
    }
  }

  /** Resolves when its process has come to whatever it was told before this; false when it does not. */
  answers(): Promise<boolean> {
    return this.#supervisor.answers(this.host);
  }

  /** What Redis answers to PING with this text, on the connection that the submission was given: as others in its process use it. */
  pingRedis(text: string): Promise<unknown> {
    return this.#supervisor.pingRedis(this.host, text);
  }

  /** SIGKILL: to the process, wherever it is in its work. */
  async crash(): Promise<void> {
    this.gone = true;
    await this.#supervisor.signal(this.host, 'SIGKILL');
    this.#diary.note(this.name, 'is killed');
  }

  /** SIGSTOP: as a long pause of the garbage collector, or a virtual machine that is moved. */
  async pause(): Promise<void> {
    this.paused = true;
    await this.#supervisor.signal(this.host, 'SIGSTOP');
    this.#diary.note(this.name, 'is paused');
  }

  async resume(): Promise<void> {
    this.#diary.note(this.name, 'is woken');
    await this.#supervisor.signal(this.host, 'SIGCONT');
    this.paused = false;
  }

  #remote(send: (name: string, args: unknown[]) => Promise<unknown>): Remote<Submission> {
    return new Proxy({} as Remote<Submission>, {
      get:
        (_, name) =>
        (...args: unknown[]) =>
          send(String(name), args),
    });
  }

  async #send(name: string, args: readonly unknown[], signal?: number): Promise<unknown> {
    const encoded = args.map((argument) => this.#encode(argument, signal));
    const outcome = await this.#supervisor.call(this.host, name, encoded);
    if (outcome.ok) return outcome.value;
    throw new SubmissionError(outcome.problem);
  }

  /** What cannot be copied to another process is replaced by a reference to it. */
  #encode(value: unknown, signal: number | undefined): unknown | Reference {
    if (typeof value === 'function') {
      const id = this.#callbacks.size;
      this.#callbacks.set(id, (...args) => Reflect.apply(value, null, args));
      const atOnce = throwsAtOnceFor(value);
      return { $callback: id, ...(atOnce ? { throwsAtOnceFor: atOnce } : {}) };
    }
    if (value instanceof AbortSignal) return { $signal: signal };
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [key, this.#encode(part, signal)]),
    );
  }
}

/** A function of the submission that runs until it is told to stop. */
export interface Loop {
  /**
   * Aborts the signal, and gives the loop time to return. How it does that is not judged here: who cannot stop yet loses
   * the points for stopping, and no others.
   */
  end(): Promise<void>;
  /**
   * Aborts the signal, and expects the loop to return.
   *
   * @param hasReturned called when it has; what it leaves behind is looked at only then
   * @throws Unmet when it does not return within a second, or throws instead
   */
  stop(hasReturned?: () => void): Promise<void>;
}
