import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBirpc } from 'birpc';
import { guard, MARK } from '../../system/process/guardian.ts';
import { killGroup } from '../../system/process/run-program.ts';
import type { CallResult, HostEvents, HostFunctions, Problem } from '../messages.ts';
import type { Isolation } from './isolation.ts';
import { Output } from './output.ts';

const ANSWER_WITHIN_MS = 1000;

type Listener = {
  callback(callback: number, args: unknown[]): Promise<CallResult>;
  trouble(problem: Problem): void;
};

/** A host as the supervisor sees it: a process, its pipes, and the calls that it answers. */
export class HostProcess {
  readonly output: Output;
  readonly ended: Promise<unknown>;
  /** Who is told what happens in it: the spec that has hired it, while it is hired. */
  listener: Listener | undefined;
  readonly #child: ChildProcess;
  readonly #rpc: ReturnType<typeof createBirpc<HostFunctions, HostEvents>>;
  #expectedToDie = false;
  #death: string | undefined;

  /**
   * @param host what `node` has to be called with
   * @param isolation keep it in
   */
  constructor(host: readonly string[], folder: string, isolation?: Isolation) {
    const node = { command: process.execPath, args: [...nodeOptions(), ...host] };
    const { command, args } = isolation?.wrap(node.command, node.args) ?? node;
    const temporary = isolation?.temporary ?? folder;
    this.#child = spawn(command, args, {
      ...isolation?.identity,
      cwd: folder,
      env: hostEnvironment(temporary),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    guard(this.#child);
    this.output = new Output(() => this.stop('it printed without end'));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => this.output.add(chunk));
    }
    this.ended = Promise.race([once(this.#child, 'exit'), once(this.#child, 'error')]);
    this.#child.on('exit', (code, signal) => this.#hasDied(code, signal));
    this.#child.on('error', (error) => this.#hasDied(null, null, error.message));

    // What the submission says in the host's name is not heard: it does not know this word.
    const password = randomUUID();
    this.#child.send({ password }, () => {});
    this.#rpc = createBirpc<HostFunctions, HostEvents>(
      {
        callback: async (id, args) =>
          (await this.listener?.callback(id, args)) ?? {
            ok: false,
            problem: { kind: 'threw', message: 'nobody is listening any more', stack: '' },
          },
        trouble: (problem) => {
          // The process ends itself next (host.ts).
          if (problem.kind === 'uncaught') {
            this.#death ??= 'it ended because of an error that nobody caught';
          }
          this.listener?.trouble(problem);
        },
      },
      {
        post: (message) => {
          if (this.#child.connected) this.#child.send(message, () => {});
        },
        on: (listener) =>
          this.#child.on('message', (envelope) => {
            if (isFrom(envelope, password)) listener(envelope.message);
          }),
        timeout: -1,
      },
    );
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get alive(): boolean {
    return this.#death === undefined;
  }

  /** Calls the host; a process that dies meanwhile is an outcome too. */
  async ask<Result>(
    question: (host: HostFunctions) => Promise<Result>,
  ): Promise<Result | { ok: false; problem: Problem }> {
    try {
      if (!this.#death) return await question(this.#rpc);
    } catch (error) {
      if (!this.#death) throw error;
    }
    return { ok: false, problem: { kind: 'died', how: this.#death } };
  }

  /** Whether it still comes to what it is told: it may be paused, or in an endless loop. */
  async answers(): Promise<boolean> {
    const answer = this.ask((host) => host.ping().then(() => true));
    return (await withinASecond(answer)) === true;
  }

  /** Ends what its submission is doing. Returns whether nothing is left of it, so that it can be used again. */
  async comesToRest(): Promise<boolean> {
    if (!this.alive) return false;
    const left = await withinASecond(this.ask((host) => host.rest()));
    return Array.isArray(left) && left.length === 0;
  }

  /** Ends the process for a reason that counts against the submission. */
  stop(reason: string): void {
    this.#death ??= reason;
    killGroup(this.pid);
  }

  /** SIGKILL to the whole process group; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#expectedToDie = true;
    this.#death ??= 'the grader has killed it';
    killGroup(this.pid);
    await this.ended;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    // In a sandbox, it is not the process that was started, but one that is in its group.
    killGroup(this.pid, signal);
  }

  #hasDied(code: number | null, signal: NodeJS.Signals | null, message?: string): void {
    // A process that this one has started would outlive it.
    killGroup(this.pid);
    const how = this.output.text.includes('JavaScript heap out of memory')
      ? 'it ran out of memory'
      : (message ?? (signal ? `it was ended by ${signal}` : `it left with process.exit(${code})`));
    this.#death ??= how;
    this.#rpc.$close();
    if (!this.#expectedToDie) this.listener?.trouble({ kind: 'died', how: this.#death });
  }
}

/** What a host sends comes with its password. */
function isFrom(envelope: unknown, password: string): envelope is { message: unknown } {
  return (
    typeof envelope === 'object' &&
    envelope !== null &&
    'message' in envelope &&
    'password' in envelope &&
    envelope.password === password
  );
}

function withinASecond<Result>(answer: Promise<Result>): Promise<Result | undefined> {
  return Promise.race([answer, sleep(ANSWER_WITHIN_MS, undefined, { ref: false })]);
}

function nodeOptions(): string[] {
  // One helper thread for V8: there are many hosts, each is short-lived, and cores are few. No limit for the heap: with one, Node
  // cannot use what it has compiled of itself, and takes half as long again to start (memory-watch.ts).
  const options = ['--v8-pool-size=1', '--enable-source-maps'];
  // Newer Nodes can load TypeScript by themselves, and so a solution that was not bundled.
  const typescript = '--no-experimental-strip-types';
  return process.allowedNodeEnvironmentFlags.has(typescript) ? [...options, typescript] : options;
}

/** What a submission needs of the environment, and nothing that belongs to whoever grades it. */
function hostEnvironment(folder: string): NodeJS.ProcessEnv {
  // With the mark, also what leaves the process group of a submission is found again.
  const kept = ['PATH', 'SystemRoot', 'TZ', 'LANG', MARK, 'WORKBOOK_TEST_MARK'];
  const known = kept.filter((name) => process.env[name] !== undefined);
  return {
    ...Object.fromEntries(known.map((name) => [name, process.env[name]])),
    TMPDIR: folder,
    TEMP: folder,
    NO_COLOR: '1',
  };
}
