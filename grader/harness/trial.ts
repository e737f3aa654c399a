import type { Redis } from 'ioredis';
import type { SupervisorFunctions } from '../messages.ts';
import { Diary } from './diary.ts';
import { Random } from './random.ts';
import type { Recorded } from './recorder.ts';
import { SubmissionError } from './submission-error.ts';
import type { TestServer } from './test-server.ts';
import { eventually } from './unmet.ts';
import { Worker } from './worker.ts';

/** One requirement being checked: a Redis to look at, and workers to hire. */
export class Trial<Submission> {
  /** The grader's own connection; the submission never sees it. */
  readonly redis: Redis;
  readonly random: Random;
  readonly supervisor: SupervisorFunctions;
  readonly server: TestServer;
  readonly workers: Worker<Submission>[] = [];
  /** What the workers do, and what is done to them. */
  readonly diary = new Diary();
  /** Rejects as soon as the submission itself has failed, whatever the check is waiting for. */
  readonly hopeless: Promise<never>;
  #giveUp: (error: unknown) => void = () => {};

  constructor(supervisor: SupervisorFunctions, server: TestServer, seed: number) {
    this.supervisor = supervisor;
    this.server = server;
    this.redis = server.redis;
    this.random = new Random(seed);
    this.hopeless = new Promise((_, reject) => {
      this.#giveUp = reject;
    });
    this.hopeless.catch(() => {});
  }

  /** Gets a process of its own with the submission in it. */
  async hire(name: string): Promise<Worker<Submission>> {
    const hired = await this.supervisor.hire(name, this.server.address.url);
    if ('problem' in hired) throw new SubmissionError(hired.problem);
    const { supervisor, diary } = this;
    const worker = new Worker<Submission>(name, hired.host, supervisor, this.#giveUp, diary);
    this.workers.push(worker);
    return worker;
  }

  /** Gets several at once: as many as there are names, in that order. */
  hireAll<const Names extends readonly string[]>(
    ...names: Names
  ): Promise<{ [Index in keyof Names]: Worker<Submission> }>;
  hireAll(...names: string[]): Promise<Worker<Submission>[]> {
    return Promise.all(names.map((name) => this.hire(name)));
  }

  /**
   * Fills a stream with so many entries, all with these fields. Before workers are hired: a connection that is made
   * meanwhile has no name in the record.
   */
  async fillStream(key: string, count: number, ...fields: string[]): Promise<void> {
    const script =
      "for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '1-' .. i, unpack(ARGV, 2)) end";
    await this.server.recorder.pauseDuring(() => this.redis.eval(script, 1, key, count, ...fields));
  }

  /** What the workers have sent to Redis so far. */
  commands(): Promise<readonly Recorded[]> {
    return this.server.recorder.commands();
  }

  /** The submission's connections, as CLIENT LIST shows them. */
  async connections(): Promise<string[]> {
    const lines = String(await this.redis.client('LIST'))
      .trim()
      .split('\n');
    return lines.filter((line) => !/ user=grader /.test(line));
  }

  /**
   * Expects that nobody has a connection but the grader, and the workers that were hired: one each. Whatever a submission calls
   * the others, they are its own. Everybody else must be at rest.
   */
  async expectConnectionsClosed(): Promise<void> {
    const hired = this.workers.filter(({ gone }) => !gone).length;
    const extra = async () => (await this.connections()).length - hired;
    // The server hears of it a moment later.
    await eventually(async () => (await extra()) <= 0, {
      expected: 'the connections that it has opened to be closed when it returns',
      happened: async () => `${await extra()} of them are still open`,
    });
    const waits = async () => (await this.connections()).some((line) => / flags=\S*b/.test(line));
    await eventually(async () => !(await waits()), {
      expected: 'nothing to wait in a blocked read any more when it has returned',
      happened:
        'on the connection `redis`, a read still waits: it has not returned, whatever it says',
    });
  }

  /**
   * Expects that the server has no visitors any more: all workers have been dismissed, and those that are still there say that they
   * are at rest. That is seen from outside, and is believed to nobody.
   */
  async expectNobodyLeft(): Promise<void> {
    const left = async () => (await this.connections()).length;
    await eventually(async () => (await left()) === 0, {
      expected: 'its connections to be closed when the work is done',
      happened: async () => `${await left()} of them are still open, whoever holds them`,
    });
  }
}
