import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const PATIENCE_MS = 30_000;
const CLEANUP_MS = 10_000;
const LOOK_EVERY_MS = 20;
const MARK = 'WORKBOOK_TEST_MARK';

/** How a command came out. */
export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Options {
  readonly env?: NodeJS.ProcessEnv;
  /** What is typed or piped into it; without this, there is no input. */
  readonly input?: string;
  readonly cwd?: string;
}

/**
 * A place of its own for one test: an own folder for temporary files and for the workbook's state,
 * and a mark in the environment by which every process that comes out of it can be found again.
 */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'workbook-test-'));
  readonly #mark = randomUUID();
  readonly #children: ChildProcess[] = [];

  constructor() {
    onTestFinished(async () => {
      for (const child of this.#children) child.kill('SIGKILL');
      // The guardians tidy up now. What a failed test has left beyond that is ended here.
      const deadline = Date.now() + CLEANUP_MS;
      while (this.#processes().size > 0 && Date.now() < deadline) await sleep(LOOK_EVERY_MS);
      for (const pid of this.#processes().keys()) process.kill(pid, 'SIGKILL');
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    });
  }

  get state(): string {
    return join(this.folder, 'state');
  }

  /** Starts a command as `npm run` does: `start('chapter', '4')`. */
  start(...args: string[]): Running {
    return this.startWith({}, ...args);
  }

  startWith(options: Options, ...args: string[]): Running {
    return this.spawn(process.execPath, [join('workbook', 'launch.cjs'), ...args], options);
  }

  /** Runs a command of the workbook to its end. */
  run(...args: string[]): Promise<CommandResult> {
    return this.start(...args).ended;
  }

  runWith(options: Options, ...args: string[]): Promise<CommandResult> {
    return this.startWith(options, ...args).ended;
  }

  /** Starts any program in this place, at the head of a process group of its own. */
  spawn(command: string, args: readonly string[], options: Options = {}): Running {
    const child = spawn(command, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...this.environment(), ...options.env },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#children.push(child);
    child.stdin?.end(options.input);
    return new Running(child);
  }

  environment(): NodeJS.ProcessEnv {
    const { REDIS_URL, REDISMS_SYSTEM_BINARY, CI, FORCE_COLOR, npm_lifecycle_event, ...rest } =
      process.env;
    return {
      ...rest,
      ...(REDISMS_SYSTEM_BINARY ? { REDISMS_SYSTEM_BINARY } : {}),
      TMPDIR: this.folder,
      WORKBOOK_STATE: this.state,
      [MARK]: this.#mark,
    };
  }

  /** The command lines of all processes that came out of this place and are still there. */
  survivors(): string[] {
    return [...this.#processes().values()];
  }

  #processes(): Map<number, string> {
    const found = new Map<number, string>();
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        // A zombie has no command line any more.
        if (line && this.#isOurs(pid)) found.set(Number(pid), line);
      } catch {
        // It ended while we were looking.
      }
    }
    return found;
  }

  /** A redis-server overwrites its environment, but it works in our folder for temporary files. */
  #isOurs(pid: string): boolean {
    return (
      readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`${MARK}=${this.#mark}`) ||
      readlinkSync(`/proc/${pid}/cwd`).startsWith(join(this.folder, 'redis-streams-'))
    );
  }

  /** Files that commands left behind, apart from the learner's progress, which is kept, and tsx's cache. */
  leftFiles(): string[] {
    const state = existsSync(this.state)
      ? readdirSync(this.state).filter((name) => name !== 'progress.json')
      : [];
    const temporary = readdirSync(this.folder).filter((name) => !/^(state|tsx-.*)$/.test(name));
    return [...temporary, ...state];
  }
}

/** A command that has been started. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<CommandResult>;
  stdout = '';
  stderr = '';
  readonly #listeners = new Set<() => void>();

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
      this.#notify();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
      this.#notify();
    });
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
        this.#notify();
      });
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('it was not started');
    return this.child.pid;
  }

  /** Waits until its output, from the beginning on, matches. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const find = () => pattern.exec(this.stdout + this.stderr);
    return new Promise((resolve, reject) => {
      const look = (last = false) => {
        const match = find();
        if (match) done(() => resolve(match));
        else if (last) {
          done(() => reject(new Error(`did not say ${pattern}:\n${this.stdout}\n${this.stderr}`)));
        }
      };
      const done = (settle: () => void) => {
        clearTimeout(deadline);
        this.#listeners.delete(listener);
        settle();
      };
      const listener = () => look();
      const deadline = setTimeout(() => look(true), PATIENCE_MS);
      this.#listeners.add(listener);
      void this.ended.then(() => look(true), reject);
      look();
    });
  }

  /** What a terminal does on Ctrl+C: SIGINT to the whole process group. */
  ctrlC(): void {
    process.kill(-this.pid, 'SIGINT');
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
