import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { guard } from './guardian.ts';
import { errorMessage } from './user-error.ts';

/** How a program that was run to its end came out. */
export interface ProgramResult {
  /** The exit code; -1 when it could not be started, or was killed. */
  readonly code: number;
  /** What it printed, standard output and standard error in the order they came. */
  readonly output: string;
}

/**
 * Runs `command` to its end and collects its output.
 *
 * @param signal kills the program, with all that it started, when aborted
 * @throws the signal's reason when it is aborted; never for what the program itself does
 */
export async function run(
  command: string,
  args: readonly string[],
  { signal, ...options }: Pick<SpawnOptions, 'env' | 'cwd' | 'uid' | 'gid' | 'signal'> = {},
): Promise<ProgramResult> {
  signal?.throwIfAborted();
  const child = spawn(command, args, {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  guard(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const kill = () => killGroup(child.pid);
  signal?.addEventListener('abort', kill, { once: true });
  const ended = once(child, 'close').then(
    ([code]) => ({ code: typeof code === 'number' ? code : -1, output }),
    (error) => ({ code: -1, output: errorMessage(error) }),
  );
  const result = await ended;
  signal?.removeEventListener('abort', kill);
  // Whoever asked must not go on as if the program had merely failed.
  signal?.throwIfAborted();
  return result;
}

/** Sends a signal to a process and to everything in its group. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    // It ended by itself in the meantime.
  }
}
