import { spawn } from 'node:child_process';
import { guard } from './guardian.ts';

/** How a program that was run to its end came out. */
export interface ProgramResult {
  /** The exit code; -1 when it could not be started, or was killed. */
  readonly code: number;
  /** What it printed, standard output and standard error in the order they came. */
  readonly output: string;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Whose process it is, when it is not one's own: numbers that root may give. */
  readonly uid?: number;
  readonly gid?: number;
  /** Kills the program, with all that it started, when aborted. */
  readonly signal?: AbortSignal;
}

/**
 * Runs `command` to its end and collects its output.
 *
 * @throws the signal's reason when it is aborted; never for what the program itself does
 */
export function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<ProgramResult> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn(command, args, {
      env: options.env,
      cwd: options.cwd,
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.gid }),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    guard(child);
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);

    const kill = () => killGroup(child.pid);
    signal?.addEventListener('abort', kill, { once: true });
    const settle = (outcome: ProgramResult) => {
      signal?.removeEventListener('abort', kill);
      // Whoever asked must not go on as if the program had merely failed.
      if (signal?.aborted) reject(signal.reason);
      else resolve(outcome);
    };
    child.once('error', (error) => settle({ code: -1, output: error.message }));
    child.once('close', (code) => settle({ code: code ?? -1, output }));
  });
}

/** Sends SIGKILL to a process and to everything in its group. */
export function killGroup(pid: number | undefined): void {
  signalGroup(pid, 'SIGKILL');
}

/** Sends a signal to a process and to everything in its group. */
export function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    // It ended by itself in the meantime.
  }
}
