import { type ChildProcess, spawn } from 'node:child_process';
import { hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBirpc } from 'birpc';
import { guard, MARK } from '../../system/process/guardian.ts';
import { killGroup } from '../../system/process/run-program.ts';
import { SealedLines } from '../host/sealed-lines.ts';
import { signalsIn } from '../host/signals.ts';
import { decodeArguments, decodeOutcome, decodeProblem, encode } from '../host/values.ts';
import {
  type CallResult,
  CHANNEL_FD,
  type HostEvents,
  type HostFunctions,
  type Problem,
} from '../messages.ts';
import type { Isolation } from './isolation.ts';
import { readLines } from './lines.ts';
import { Output } from './output.ts';

const ANSWER_WITHIN_MS = 1000;
const LONGEST_LINE = 8_000_000;

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
      // The last one is overlapped on Windows, where it is read from and written to at the same time; elsewhere it is a pipe.
      stdio: ['ignore', 'pipe', 'pipe', 'overlapped'],
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

    this.#rpc = this.#connect();
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

  /** Loads a submission. */
  load(url: string): Promise<CallResult> {
    return this.#outcome((host) => host.load(url));
  }

  /** Calls a function of the submission. */
  call(name: string, args: unknown[]): Promise<CallResult> {
    return this.#outcome((host) => host.call(name, encode(args), signalsIn(args)));
  }

  /** @throws when Redis answers nothing, or the process has died */
  async pingRedis(text: string): Promise<unknown> {
    const outcome = await this.#outcome((host) => host.pingRedis(text));
    if (outcome.ok) return outcome.value;
    throw new Error(outcome.problem.kind);
  }

  async #outcome(question: (host: HostFunctions) => Promise<string>): Promise<CallResult> {
    const encoded = await this.ask(question);
    return typeof encoded === 'string' ? decodeOutcome(encoded) : encoded;
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
    return left === '';
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

  /** Hears what the host says, and nobody else in its process: the submission does not know the key. */
  #connect(): ReturnType<typeof createBirpc<HostFunctions, HostEvents>> {
    const channel = this.#child.stdio[CHANNEL_FD];
    if (!(channel instanceof Duplex)) throw new Error('a host has no pipe to its supervisor');
    channel.on('error', () => {}); // It has ended, and that is told elsewhere.
    const key = randomBytes(32).toString('hex');
    channel.write(`${key}\n`);
    const sealed = new SealedLines(key, 'supervisor', (text) => hash('sha256', text, 'hex'));
    const functions: HostEvents = {
      callback: async (id, args) => encode(await this.#callback(id, decodeArguments(args))),
      trouble: (encoded) => {
        const problem = decodeProblem(encoded);
        // The process ends itself next (host.ts).
        if (problem.kind === 'uncaught') {
          this.#death ??= 'it ended because of an error that nobody caught';
        }
        this.listener?.trouble(problem);
      },
    };
    return createBirpc<HostFunctions, HostEvents>(functions, {
      post: (text: string) => {
        if (channel.writable) channel.write(`${sealed.seal(text)}\n`);
      },
      on: (listener) =>
        readLines(channel, LONGEST_LINE, {
          line: (line) => {
            const text = sealed.open(line);
            if (text !== undefined) listener(text);
          },
          tooLong: () => this.stop('it handed over more than 8 MB at once'),
        }),
      serialize: JSON.stringify,
      deserialize: readMessage,
      timeout: -1,
    });
  }

  async #callback(id: number, args: unknown[]): Promise<CallResult> {
    const outcome = await this.listener?.callback(id, args);
    if (outcome) return outcome;
    const message = 'nobody is listening any more';
    return { ok: false, problem: { kind: 'threw', message, stack: '' } };
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

/** A message of a host; an error in it has become a text. */
function readMessage(text: string): unknown {
  const message = JSON.parse(text);
  return typeof message.e === 'string' ? { ...message, e: new Error(message.e) } : message;
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
