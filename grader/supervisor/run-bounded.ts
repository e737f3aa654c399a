import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { guard, MARK } from '../../system/process/guardian.ts';
import { killGroup } from '../../system/process/run-program.ts';
import type { Isolation } from './isolation.ts';
import { usageOf } from './usage.ts';

const LOOK_EVERY_MS = 250;
const MOST_CPU_MS = 20_000;
/** For one that waits and does nothing: a busy machine may leave it waiting, too. */
const MOST_WAITING_MS = 60_000;
const MOST_MB = 1024;
const MOST_OUTPUT = 16_000_000;

/** How a program came out that was given a stranger's file. */
export interface BoundedResult {
  /** The exit code; -1 when it could not be started, or was killed. */
  readonly code: number;
  readonly output: string;
  /** Why it was stopped, if it was. */
  readonly stopped?: string;
}

/**
 * Runs a program that reads a stranger's file to its end, or to the end of the time, the memory and the output that it may have.
 *
 * @param folder where it runs
 * @param isolation keeps it in, as it does the submission
 * @param input what it reads from standard input
 */
export async function runBounded(
  [program = '', ...rest]: readonly string[],
  folder: string,
  isolation?: Isolation,
  input = '',
): Promise<BoundedResult> {
  const { command, args } = isolation?.wrap(program, rest) ?? { command: program, args: rest };
  const child = spawn(command, args, {
    ...isolation?.identity,
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      SystemRoot: process.env.SystemRoot,
      [MARK]: process.env[MARK],
      WORKBOOK_TEST_MARK: process.env.WORKBOOK_TEST_MARK,
      TMPDIR: isolation?.temporary ?? folder,
      TEMP: isolation?.temporary ?? folder,
      HOME: isolation?.temporary ?? folder,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  guard(child);
  child.stdin.on('error', () => {}); // It has ended, or does not read it.
  child.stdin.end(input);
  let stopped: string | undefined;
  const stop = (why: string) => {
    stopped ??= why;
    killGroup(child.pid);
  };
  const chunks: Buffer[] = [];
  let length = 0;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MOST_OUTPUT) stop('it printed without end');
      else chunks.push(chunk);
    });
  }
  const over = new AbortController();
  void watch(child.pid ?? -1, over.signal).then(stop, () => {});
  const code = await once(child, 'close').then(
    ([exitCode]) => (typeof exitCode === 'number' ? exitCode : -1),
    () => -1,
  );
  over.abort();
  return { code, output: Buffer.concat(chunks).toString(), ...(stopped ? { stopped } : {}) };
}

/** Resolves to what it has had too much of. */
async function watch(pid: number, over: AbortSignal): Promise<string> {
  for (let waited = 0; waited < MOST_WAITING_MS; waited += LOOK_EVERY_MS) {
    await sleep(LOOK_EVERY_MS, undefined, { signal: over });
    const { bytes, cpuMs } = await usageOf(pid);
    if (bytes > MOST_MB * 1024 * 1024) return `it took more than ${MOST_MB} MB of memory`;
    if (cpuMs > MOST_CPU_MS) return `it took more than ${MOST_CPU_MS / 1000} seconds`;
  }
  return `it did not come to an end`;
}
