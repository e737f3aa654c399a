import { Redis } from 'ioredis';
import type { ServerAddress, SupervisorFunctions } from '../wire.ts';
import { Recorder } from './recorder.ts';

/** A server with the grader's connection to it, and the record of what others send to it. */
export interface Lane {
  readonly address: ServerAddress;
  readonly redis: Redis;
  readonly recorder: Recorder;
}

/** Lanes for requirements that are checked at the same time, one each. */
export class Lanes {
  readonly #supervisor: SupervisorFunctions;
  readonly #free: Lane[] = [];

  constructor(supervisor: SupervisorFunctions) {
    this.#supervisor = supervisor;
  }

  async take(): Promise<Lane> {
    return this.#free.pop() ?? (await this.#open());
  }

  /** Gives a lane back. One on which something went wrong is not used again. */
  async giveBack(lane: Lane, clean: boolean): Promise<void> {
    if (!clean) return this.#close(lane, false);
    lane.recorder.clear();
    await lane.redis.flushall();
    this.#free.push(lane);
  }

  async close(): Promise<void> {
    await Promise.all(this.#free.map((lane) => this.#close(lane, true)));
  }

  async #open(): Promise<Lane> {
    const address = await this.#supervisor.openServer();
    const redis = new Redis(address.adminUrl, { enableReadyCheck: false });
    redis.on('error', () => {});
    return { address, redis, recorder: await Recorder.attach(redis) };
  }

  async #close({ address, redis }: Lane, clean: boolean): Promise<void> {
    redis.disconnect();
    await this.#supervisor.closeServer(address.id, clean);
  }
}
