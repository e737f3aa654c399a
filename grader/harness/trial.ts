import type { Redis } from 'ioredis';
import type { CallResult, Problem, SupervisorFunctions } from '../messages.ts';
import { Random } from './random.ts';
import type { Recorded } from './recorder.ts';
import { SubmissionError } from './submission-error.ts';
import type { TestServer } from './test-server.ts';
import { eventually, Unmet } from './unmet.ts';
import { type Surroundings, Worker } from './worker.ts';

/** One requirement being checked: a Redis to look at, and workers to hire. */
export class Trial<Submission> {
  /** The grader's own connection; the submission never sees it. */
  readonly redis: Redis;
  readonly random: Random;
  readonly #supervisor: SupervisorFunctions;
  readonly #server: TestServer;
  readonly #workers: Worker<Submission>[] = [];
  readonly #callbacks = new Map<number, (...args: unknown[]) => unknown>();
  /** Rejects as soon as the submission itself has failed, whatever the check is waiting for. */
  readonly hopeless: Promise<never>;
  #giveUp: (error: Error) => void = () => {};
  #count = 0;

  constructor(supervisor: SupervisorFunctions, server: TestServer, seed: number) {
    this.#supervisor = supervisor;
    this.#server = server;
    this.redis = server.redis;
    this.random = new Random(seed);
    this.hopeless = new Promise((_, reject) => {
      this.#giveUp = reject;
    });
    this.hopeless.catch(() => {});
  }

  get workers(): readonly Worker<Submission>[] {
    return this.#workers;
  }

  /** Gets a process of its own with the submission in it. */
  async hire(name: string): Promise<Worker<Submission>> {
    const hired = await this.#supervisor.hire(name, this.#server.address.url);
    if ('problem' in hired) throw new SubmissionError(hired.problem);
    const worker = new Worker<Submission>(name, hired.host, this.#surroundings());
    this.#workers.push(worker);
    return worker;
  }

  /** Gets several at once: as many as there are names, in that order. */
  hireAll<const Names extends readonly string[]>(
    ...names: Names
  ): Promise<{ [Index in keyof Names]: Worker<Submission> }>;
  hireAll(...names: string[]): Promise<Worker<Submission>[]> {
    return Promise.all(names.map((name) => this.hire(name)));
  }

  /** Resolves when the worker's process has come to whatever it was told before this. */
  async reacts(worker: Worker<Submission>): Promise<void> {
    await this.#supervisor.answers(worker.host);
  }

  /**
   * Fills a stream with so many entries, all with these fields. Before workers are hired: a connection that is made
   * meanwhile has no name in the record.
   */
  async fillStream(key: string, count: number, ...fields: string[]): Promise<void> {
    const script =
      "for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '1-' .. i, unpack(ARGV, 2)) end";
    await this.#server.recorder.pauseDuring(() =>
      this.redis.eval(script, 1, key, count, ...fields),
    );
  }

  /** What the workers have sent to Redis so far. */
  commands(): Promise<readonly Recorded[]> {
    return this.#server.recorder.commands();
  }

  /**
   * Expects that nobody has a connection but the grader, and the workers that were hired: one each. Whatever a submission calls
   * the others, they are its own. Everybody else must be at rest.
   */
  async expectConnectionsClosed(): Promise<void> {
    const connections = async () =>
      String(await this.redis.client('LIST'))
        .trim()
        .split('\n');
    const hired = this.#workers.filter(({ gone }) => !gone).length;
    const extra = async () => {
      const ofTheSubmission = (await connections()).filter((line) => !/ user=grader /.test(line));
      return ofTheSubmission.length - hired;
    };
    // The server hears of it a moment later.
    await eventually(async () => (await extra()) <= 0, {
      expected: 'the connections that it has opened to be closed when it returns',
      happened: async () => `${await extra()} of them are still open`,
    });
  }

  owns(host: number): boolean {
    return this.#workers.some((worker) => worker.host === host);
  }

  /** The submission calls back: a handler of the spec. */
  async callback(id: number, args: unknown[]): Promise<CallResult> {
    try {
      return { ok: true, value: await this.#callbacks.get(id)?.(...args) };
    } catch (error) {
      if (error instanceof Unmet) this.fail(error);
      const message = error instanceof Error ? error.message : String(error);
      return { ok: false, problem: { kind: 'threw', message, stack: '' } };
    }
  }

  trouble(problem: Problem): void {
    this.fail(new SubmissionError(problem));
  }

  fail(error: Error): void {
    this.#giveUp(error);
  }

  #surroundings(): Surroundings {
    return {
      supervisor: this.#supervisor,
      fail: (error) => this.fail(error),
      keepCallback: (callback) => {
        this.#callbacks.set(++this.#count, callback);
        return this.#count;
      },
      keepSignal: () => ++this.#count,
    };
  }
}
