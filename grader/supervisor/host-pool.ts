import { HostProcess } from './host-process.ts';
import type { Isolation } from './isolation.ts';

/** Processes that have started and wait for a submission: to start one takes longer than most requirements. */
export class HostPool {
  readonly #all = new Set<HostProcess>();
  readonly #create: () => HostProcess;
  readonly #warm: HostProcess[] = [];
  readonly #rested: HostProcess[] = [];
  #stopped = false;

  /**
   * @param args what `node` has to be called with to start a host
   * @param isolation keep every process in
   */
  constructor(args: readonly string[], folder: string, isolation?: Isolation) {
    this.#create = () => new HostProcess(args, folder, isolation);
  }

  /** Those that have, or have had, a submission in them. */
  get occupied(): HostProcess[] {
    return [...this.#all].filter((host) => !this.#warm.includes(host));
  }

  get pids(): number[] {
    return [...this.#all].map(({ pid }) => pid);
  }

  /** Starts so many, and does not wait until they have. */
  warm(count: number): void {
    while (this.#warm.length < count) this.#warm.push(this.#start());
  }

  /** Resolves when all that wait for a submission have started. */
  async ready(): Promise<void> {
    await Promise.all(this.#warm.map((host) => host.ask((started) => started.ping())));
  }

  /** A process that is at rest, or a new one. */
  take(): HostProcess {
    for (;;) {
      const host = this.#rested.pop() ?? this.#warm.shift();
      if (!host) return this.#start();
      if (host.alive) return host;
    }
  }

  /** Takes back a process in which nothing of its last submission goes on. */
  giveBack(host: HostProcess): void {
    this.#rested.push(host);
  }

  /** Ends the processes that have had a submission in them; with `waiting`, also those that wait for one. */
  async retire({ waiting = false } = {}): Promise<void> {
    const retired = [...this.#rested.splice(0), ...(waiting ? this.#warm.splice(0) : [])];
    await Promise.all(retired.map((host) => host.kill()));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#all].map((host) => host.kill()));
  }

  #start(): HostProcess {
    if (this.#stopped) throw new Error('the grading has been stopped');
    const host = this.#create();
    this.#all.add(host);
    void host.ended.then(() => this.#all.delete(host));
    return host;
  }
}
