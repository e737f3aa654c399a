import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { programArguments } from '../../system/load-typescript.ts';
import { ROOT } from '../../system/paths.ts';
import { guard } from '../../system/process/guardian.ts';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { killGroup } from '../../system/process/run-program.ts';

const STOP_DEADLINE_MS = 5000;

/** How a program ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface ProgramOptions {
  readonly args: readonly string[];
  /** The server that the program finds in `REDIS_URL`. */
  readonly url: string;
}

/** Runs an example on this very terminal, as if it had been typed there, until it ends. */
export function runAttached(
  file: string,
  options: ProgramOptions,
  lifetime: Lifetime,
): Promise<Ending> {
  const child = spawnProgram(file, options, 'inherit');
  const ended = ending(child);
  lifetime.atEnd(async () => {
    if (hasEnded(child)) return;
    // Ctrl+C has reached the program by itself, since it shares our terminal, and a second SIGINT
    // would cut its tidying short. Any other signal was meant for us alone, and is passed on.
    if (lifetime.signal.reason !== 'SIGINT') child.kill('SIGINT');
    const ask = setTimeout(() => child.kill('SIGINT'), STOP_DEADLINE_MS);
    const insist = setTimeout(() => child.kill('SIGKILL'), 2 * STOP_DEADLINE_MS);
    await ended;
    clearTimeout(ask);
    clearTimeout(insist);
  });
  return ended;
}

/** An example in the background: a process group of its own, its lines handed to `onLine`. */
export class BackgroundProgram {
  readonly #child: ChildProcess;
  readonly ended: Promise<Ending>;

  constructor(file: string, options: ProgramOptions, onLine: (line: string) => void) {
    this.#child = spawnProgram(file, options, 'pipe');
    const outputs = [this.#child.stdout, this.#child.stderr].map((stream) =>
      readLines(stream, onLine),
    );
    this.ended = Promise.all([ending(this.#child), ...outputs]).then(([how]) => how);
  }

  get running(): boolean {
    return !hasEnded(this.#child);
  }

  /** SIGINT, as Ctrl+C sends it; SIGKILL when the program has not ended some seconds later. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.#child.kill('SIGINT');
    const insist = setTimeout(() => killGroup(this.#child.pid), STOP_DEADLINE_MS);
    await this.ended;
    clearTimeout(insist);
  }

  /** SIGKILL, to the program and to whatever it started. */
  async crash(): Promise<void> {
    killGroup(this.#child.pid);
    await this.ended;
  }
}

function spawnProgram(file: string, options: ProgramOptions, stdio: 'inherit' | 'pipe') {
  const child = spawn(process.execPath, [...programArguments(file), ...options.args], {
    cwd: ROOT,
    env: { ...process.env, REDIS_URL: options.url },
    stdio: stdio === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    detached: stdio === 'pipe' && process.platform !== 'win32',
    windowsHide: true,
  });
  guard(child);
  return child;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function ending(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

async function readLines(stream: Readable | null, onLine: (line: string) => void): Promise<void> {
  if (!stream) return;
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) onLine(line);
}
