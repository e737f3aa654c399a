import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { programArguments } from '../../system/load-typescript.ts';
import { ROOT } from '../../system/paths.ts';
import { guard } from '../../system/process/guardian.ts';
import { killGroup } from '../../system/process/run-program.ts';

const STOP_DEADLINE_MS = 5000;

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface ProgramOptions {
  readonly args: readonly string[];
  /** The server that the program finds in `REDIS_URL`. */
  readonly url: string;
}

/**
 * An example that runs in the background, a process group of its own, its lines handed to `onLine`; without that, on this very
 * terminal, as if it had been typed there.
 */
export class RunningProgram {
  readonly #child: ChildProcess;
  readonly ended: Promise<Ending>;

  constructor(file: string, { args, url }: ProgramOptions, onLine?: (line: string) => void) {
    const child = spawn(process.execPath, [...programArguments(file), ...args], {
      cwd: ROOT,
      env: { ...process.env, REDIS_URL: url },
      stdio: onLine ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      detached: onLine !== undefined && process.platform !== 'win32',
      windowsHide: true,
    });
    guard(child);
    this.#child = child;
    const exit = new Promise<Ending>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    const outputs = [child.stdout, child.stderr].map((stream) => readLines(stream, onLine));
    this.ended = Promise.all([exit, ...outputs]).then(([how]) => how);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * SIGINT, as Ctrl+C sends it; once more, and then SIGKILL, when the program has not ended some seconds later.
   *
   * @param asked whether Ctrl+C has reached it by itself already: one more would cut its tidying short
   */
  async stop(asked = false): Promise<void> {
    if (!this.running) return;
    if (!asked) this.#child.kill('SIGINT');
    const ask = setTimeout(() => this.#child.kill('SIGINT'), STOP_DEADLINE_MS);
    const insist = setTimeout(() => this.#kill(), 2 * STOP_DEADLINE_MS);
    await this.ended;
    clearTimeout(ask);
    clearTimeout(insist);
  }

  /** SIGKILL, to the program and to whatever it started. */
  async crash(): Promise<void> {
    this.#kill();
    await this.ended;
  }

  #kill(): void {
    killGroup(this.#child.pid);
    this.#child.kill('SIGKILL');
  }
}

async function readLines(stream: Readable | null, onLine?: (line: string) => void): Promise<void> {
  if (!stream || !onLine) return;
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) onLine(line);
}
