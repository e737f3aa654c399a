import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { ServerAddress, SupervisorFunctions } from '../messages.ts';
import { Recorder } from './recorder.ts';

/** A server with the grader's connection to it, and the record of what others send to it. */
export interface TestServer {
  readonly address: ServerAddress;
  readonly redis: Redis;
  readonly recorder: Recorder;
}

/** Test servers for requirements that are checked at the same time, one each. */
export class TestServers {
  readonly #free: TestServer[] = [];

  async take(supervisor: SupervisorFunctions): Promise<TestServer> {
    return this.#free.pop() ?? (await open(await supervisor.openServer()));
  }

  /** Gives a server back. One on which something went wrong is not used again. */
  async giveBack(
    server: TestServer,
    clean: boolean,
    supervisor: SupervisorFunctions,
  ): Promise<void> {
    const { redis } = server;
    if (clean) {
      server.recorder.clear();
      await Promise.all([redis.flushall(), redis.script('FLUSH'), redis.function('FLUSH')]);
      this.#free.push(server);
    } else {
      redis.disconnect();
      await supervisor.closeServer(server.address.id);
    }
  }

  /** Closes the connections. The servers, which are empty, stay with the supervisor for the next run. */
  close(): void {
    for (const { redis } of this.#free) redis.disconnect();
  }
}

async function open(address: ServerAddress): Promise<TestServer> {
  const redis = new Redis(address.adminUrl, {
    enableReadyCheck: false,
    connectionName: `grader-${randomUUID()}`,
    // What a check sends in one go is one message to the server.
    enableAutoPipelining: true,
  });
  redis.on('error', () => {});
  const own = addressesOf(redis);
  return { address, redis, recorder: await Recorder.attach(redis, address.adminUrl, own) };
}

/**
 * Where this connection and its duplicates come from, as the server sees it. Not what they are called: whoever lists the clients
 * can call himself the same.
 */
function addressesOf(redis: Redis): ReadonlySet<string> {
  const own = new Set<string>();
  const note = (connection: Redis) => {
    const noteAddress = () => {
      const { stream } = connection;
      if ('localPort' in stream) own.add(`${stream.localAddress}:${stream.localPort}`);
    };
    if (connection.stream && 'localPort' in connection.stream && connection.stream.localPort)
      noteAddress();
    connection.on('connect', noteAddress);
  };
  note(redis);
  const duplicate = redis.duplicate.bind(redis);
  redis.duplicate = (override) => {
    const copy = duplicate(override);
    note(copy);
    return copy;
  };
  return own;
}
