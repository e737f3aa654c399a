import { BroadcastChannel } from 'node:worker_threads';
import { createBirpc } from 'birpc';
import type { CallResult, Problem, SpecFunctions, SupervisorFunctions } from '../messages.ts';
import type { HostPool } from './host-pool.ts';
import type { HostProcess } from './host-process.ts';
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
    this.#serve();
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

  #serve(): void {
    const functions: SupervisorFunctions = {
      openServer: () => this.#servers.open(),
      closeServer: (id) => this.#servers.close(id),
      hire: (name, url) => this.#hire(name, url),
      call: (id, name, args) => this.#outcome(id, (host) => host.call(name, args)),
      abort: async (id, signal, limitMs) => {
        const stopped = await this.#host(id).ask((host) => host.abort(signal, limitMs));
        return 'died' in stopped ? { inTime: false } : stopped;
      },
      signal: async (id, signal) => {
        const host = this.#host(id);
        if (signal === 'SIGKILL') await host.kill();
        else host.signal(signal);
      },
      answers: (id) => this.#host(id).answers(),
      dismiss: (id) => this.#dismiss(id),
      output: async (id) => {
        // What was printed before the last reply may still be in the pipe.
        await new Promise(setImmediate);
        return this.#hosts.get(id)?.output.text ?? this.#printed.get(id) ?? '';
      },
    };
    const spec = createBirpc<SpecFunctions, SupervisorFunctions>(functions, {
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
    this.#listen = (id, host) => {
      host.listener = {
        callback: (callback, args) => spec.callback(id, callback, args),
        trouble: (problem) => void spec.trouble(id, problem),
      };
    };
  }

  #listen: (id: number, host: HostProcess) => void = () => {};

  async #hire(name: string, url: string): Promise<{ host: number } | { problem: Problem }> {
    const host = await this.#loadedHost();
    if ('problem' in host) return host;
    const id = ++this.#count;
    this.#hosts.set(id, host);
    host.output.clear();
    this.#listen(id, host);
    const connected = await host.ask((functions) => functions.connect(url, name));
    return connected ? { problem: { kind: 'died', how: connected.died } } : { host: id };
  }

  async #loadedHost(): Promise<HostProcess | { problem: Problem }> {
    const host = this.#pool.take();
    // Another query is another module: no requirement finds the variables of the one before.
    const url = `${this.#submission}?${++this.#count}`;
    const stuck = setTimeout(
      () => host.stop(`it was not loaded within ${LOAD_WITHIN_MS / 1000} seconds`),
      LOAD_WITHIN_MS,
    );
    const loaded = await host.ask((functions) => functions.load(url));
    clearTimeout(stuck);
    if ('died' in loaded) {
      const message = `while it was being loaded, ${loaded.died}`;
      return { problem: { kind: 'cannot load', message, stack: '' } };
    }
    if (loaded.ok) return host;
    await host.kill();
    return { problem: loaded.problem };
  }

  async #dismiss(id: number): Promise<void> {
    const host = this.#host(id);
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

  async #outcome(
    id: number,
    question: Parameters<typeof HostProcess.prototype.ask<CallResult>>[0],
  ): Promise<CallResult> {
    const outcome = await this.#host(id).ask(question);
    return 'died' in outcome ? hasDied(outcome) : outcome;
  }
}

function hasDied({ died }: { died: string }): CallResult {
  return { ok: false, problem: { kind: 'died', how: died } };
}

/** Node's BroadcastChannel types its event as unknown. */
function messageOf(event: unknown): unknown {
  return typeof event === 'object' && event !== null && 'data' in event ? event.data : undefined;
}
