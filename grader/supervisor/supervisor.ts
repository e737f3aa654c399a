import { setImmediate } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import { type BirpcReturn, createBirpc } from 'birpc';
import { errorMessage } from '../../system/process/user-error.ts';
import type { Problem, SpecFunctions, SupervisorFunctions } from '../messages.ts';
import type { HostPool } from './host-pool.ts';
import type { HostProcess } from './host-process.ts';
import { ownTimePasses } from './load-clock.ts';
import type { Servers } from './servers.ts';

/** How long a submission may take to be loaded: it only has to define functions. */
const LOAD_WITHIN_MS = 8000;

/**
 * Owns the processes of one submission while it is graded: starts its workers, passes calls and callbacks on between
 * them and the spec, and ends them.
 */
export class Supervisor {
  readonly #pool: HostPool;
  readonly #servers: Servers;
  readonly #submission: string;
  readonly #channel: BroadcastChannel;
  readonly #spec: BirpcReturn<SpecFunctions, SupervisorFunctions>;
  readonly #hosts = new Map<number, HostProcess>();
  /** What hosts had printed by the time they were dismissed. */
  readonly #printed = new Map<number, string>();
  #count = 0;
  #closed = false;

  /** @param submission the bundled submission, as a URL */
  constructor(pool: HostPool, servers: Servers, submission: string, channel: string) {
    this.#pool = pool;
    this.#servers = servers;
    this.#submission = submission;
    this.#channel = new BroadcastChannel(channel);
    this.#spec = this.#connect();
  }

  /** Loads the submission once, to see whether that works at all. The process is kept for later. */
  async tryToLoad(): Promise<Problem | undefined> {
    const host = await this.#loadedHost();
    if ('problem' in host) return host.problem;
    this.#pool.giveBack(host);
    return undefined;
  }

  /** Ends all its processes. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#channel.close();
    await Promise.all([...this.#hosts.values()].map((host) => host.kill()));
  }

  #connect(): BirpcReturn<SpecFunctions, SupervisorFunctions> {
    const functions: SupervisorFunctions = {
      openServer: () => this.#servers.open(),
      closeServer: (id) => this.#servers.close(id),
      hire: (name, url) => this.#hire(name, url),
      call: (id, name, args) => this.#host(id).call(name, args),
      abort: async (id, signal, limitMs) =>
        (await this.#host(id).ask((host) => host.abort(signal, limitMs))) === true,
      signal: async (id, signal) => {
        const host = this.#host(id);
        if (signal === 'SIGKILL') await host.kill();
        else host.signal(signal);
      },
      answers: (id) => this.#host(id).answers(),
      pingRedis: (id, text) => this.#host(id).pingRedis(text),
      dismiss: (id) => this.#dismiss(id),
      output: async (id) => {
        // What was printed before the last reply may still be in the pipe.
        await setImmediate();
        return this.#hosts.get(id)?.output.text ?? this.#printed.get(id) ?? '';
      },
    };
    return createBirpc<SpecFunctions, SupervisorFunctions>(functions, {
      post: (message) => {
        // A late answer to a question that nobody waits for any more.
        if (!this.#closed) this.#channel.postMessage(message);
      },
      on: (listener) => {
        this.#channel.onmessage = (event) => listener(messageOf(event));
      },
      eventNames: ['trouble'],
      timeout: -1,
    });
  }

  async #hire(name: string, url: string): Promise<{ host: number } | { problem: Problem }> {
    const host = await this.#loadedHost();
    if ('problem' in host) return host;
    const id = ++this.#count;
    this.#hosts.set(id, host);
    host.output.clear();
    host.listener = {
      callback: (callback, args) => this.#spec.callback(id, callback, args),
      trouble: (problem) => void this.#spec.trouble(id, problem),
    };
    try {
      return (await host.ask((functions) => functions.connect(url, name))) ?? { host: id };
    } catch (error) {
      const message = `it has no connection to Redis: ${errorMessage(error)}`;
      return { problem: { kind: 'threw', message, stack: '' } };
    }
  }

  async #loadedHost(): Promise<HostProcess | { problem: Problem }> {
    const host = this.#pool.take();
    // Another query is another module: no requirement finds the variables of the one before.
    const url = `${this.#submission}?${++this.#count}`;
    const over = new AbortController();
    void ownTimePasses(host, LOAD_WITHIN_MS, over.signal).then(
      () => {
        if (!over.signal.aborted) {
          host.stop(`it was not loaded within ${LOAD_WITHIN_MS / 1000} seconds`);
        }
      },
      () => {}, // It is loaded.
    );
    const loaded = await host.load(url);
    over.abort();
    if (loaded.ok) return host;
    await host.kill();
    const { problem } = loaded;
    if (problem.kind !== 'died') return { problem };
    const message = `while it was being loaded, ${problem.how}`;
    return { problem: { kind: 'cannot load', message, stack: '' } };
  }

  /** A host that is dismissed already stays so. */
  async #dismiss(id: number): Promise<void> {
    const host = this.#hosts.get(id);
    if (!host) return;
    this.#hosts.delete(id);
    const atRest = await host.comesToRest();
    host.listener = undefined;
    this.#printed.set(id, host.output.text);
    if (atRest) this.#pool.giveBack(host);
    else await host.kill();
  }

  #host(id: number): HostProcess {
    const host = this.#hosts.get(id);
    if (!host) throw new Error(`no worker ${id} is at work`);
    return host;
  }
}

/** Node's BroadcastChannel types its event as unknown. */
function messageOf(event: unknown): unknown {
  return typeof event === 'object' && event !== null && 'data' in event ? event.data : undefined;
}
