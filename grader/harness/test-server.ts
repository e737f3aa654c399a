import { Redis } from 'ioredis';
import type { ServerAddress, SupervisorFunctions } from '../messages.ts';
import { Recorder } from './recorder.ts';

/** A server with the grader's connection to it, and the record of what others send to it. */
export interface Lane {
  readonly address: ServerAddress;
  readonly redis: Redis;
  readonly recorder: Recorder;
}

/** Lanes for requirements that are checked at the same time, one each. */
export class Lanes {
  readonly #free: Lane[] = [];

  async take(supervisor: SupervisorFunctions): Promise<Lane> {
    return this.#free.pop() ?? (await open(await supervisor.openServer()));
  }

  /** Gives a lane back. One on which something went wrong is not used again. */
  async giveBack(lane: Lane, clean: boolean, supervisor: SupervisorFunctions): Promise<void> {
    if (clean) {
      lane.recorder.clear();
      await empty(lane.redis);
      this.#free.push(lane);
    } else {
      lane.redis.disconnect();
      await supervisor.closeServer(lane.address.id);
    }
  }

  /** Closes the connections. The servers, which are empty, stay with the supervisor for the next run. */
  close(): void {
    for (const { redis } of this.#free) redis.disconnect();
  }
}

/** Data, scripts, and the functions that Redis has since 7.0: nothing is left for the next requirement. */
async function empty(redis: Redis): Promise<void> {
  const functions = redis.call('FUNCTION', 'FLUSH').catch(() => {});
  await Promise.all([redis.flushall(), redis.script('FLUSH'), functions]);
}

async function open(address: ServerAddress): Promise<Lane> {
  const redis = new Redis(address.adminUrl, { enableReadyCheck: false });
  redis.on('error', () => {});
  return { address, redis, recorder: await Recorder.attach(redis) };
}
