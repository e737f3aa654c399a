import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { RedisBinary } from '../../system/redis/binary.ts';
import { startServer } from '../../system/redis/start-server.ts';
import { Connection } from '../../system/resp/connection.ts';
import type { ServerAddress } from '../messages.ts';
import { openSocketProxy } from './socket-proxy.ts';

/**
 * What a submission may do on the server: all that has to do with data. Stopping it, configuring it, emptying it and
 * cutting other connections is refused, and written to the ACL log, where the spec finds it.
 */
const SUBMISSION_RULES = [
  ['-@admin', '-flushall', '-flushdb', '-swapdb', '-script|kill', '-function|kill'],
  ['+client|setname', '+client|setinfo', '+client|id', '+client|getname', '+client|info'],
  ['+client|list', '+client|unblock', '+config|get', '+acl|whoami'],
].flat();

interface Entry {
  readonly address: ServerAddress;
  end(): Promise<void>;
}

/** The servers of a grading. Each belongs to one requirement at a time, and is empty when it is given out. */
export class Servers {
  readonly #binary: RedisBinary;
  readonly #sockets: string | undefined;
  readonly #inUse = new Map<number, Entry>();
  readonly #free: Promise<Entry>[] = [];
  #count = 0;
  #stopped = false;

  /** @param sockets a folder for Unix sockets: the way in for submissions that have no network */
  constructor(binary: RedisBinary, sockets?: string) {
    this.#binary = binary;
    this.#sockets = sockets;
  }

  /** Starts so many of them before anybody asks. */
  warm(count: number): void {
    while (this.#free.length < count) {
      const starting = this.#start();
      // Whoever is given it hears of the error.
      starting.catch(() => {});
      this.#free.push(starting);
    }
  }

  async open(): Promise<ServerAddress> {
    const entry = await (this.#free.shift() ?? this.#start());
    this.#inUse.set(entry.address.id, entry);
    return entry.address;
  }

  /** Ends a server: what was done to it is not known. */
  async close(id: number): Promise<void> {
    const entry = this.#inUse.get(id);
    this.#inUse.delete(id);
    await entry?.end();
  }

  /** The specs are through, and have left the servers empty. */
  takeBack(): void {
    for (const entry of this.#inUse.values()) this.#free.push(Promise.resolve(entry));
    this.#inUse.clear();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.takeBack();
    const ended = this.#free.map(async (starting) => {
      const entry = await starting.catch(() => undefined);
      await entry?.end();
    });
    await Promise.all(ended);
  }

  async #start(): Promise<Entry> {
    if (this.#stopped) throw new Error('the grading has been stopped');
    const id = ++this.#count;
    // At the usual 10 ticks a second, a BLOCK of 20 ms takes 100.
    const server = await startServer(this.#binary, { hz: 100 });
    const socket = this.#sockets && join(this.#sockets, `${id}.sock`);
    const closeSocket = socket ? await openSocketProxy(socket, server.url) : () => {};
    const password = randomBytes(16).toString('hex');
    const connection = await Connection.open(server.url);
    const setUser = (user: string, ...rules: string[]) =>
      connection.send(['ACL', 'SETUSER', user, ...rules]);
    await setUser('grader', 'on', `>${password}`, '~*', '&*', '+@all');
    await connection.send(['AUTH', 'grader', password]);
    // One by one: a server that does not know one of the commands refuses the whole line.
    for (const rule of SUBMISSION_RULES) await setUser('default', rule);
    connection.close();
    const adminUrl = server.url.replace('redis://', `redis://grader:${password}@`);
    const end = () => {
      closeSocket();
      return server.stop();
    };
    return { address: { id, url: socket ?? server.url, adminUrl }, end };
  }
}
