import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '../paths.ts';

const SCRIPT = join(ROOT, 'system', 'process', 'guardian-process.cjs');

/**
 * The variable with this command's mark: what has it in its environment is killed at the end, whoever has started it.
 */
export const MARK = 'WORKBOOK_COMMAND';

/** A program that tidies up. */
export interface LastProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly uid: number;
  readonly gid: number;
}

type Order = Record<string, number | string | LastProgram>;

let guardian: ChildProcess | undefined;

/**
 * Tells the guardian, a small process of its own, what must not outlive this command: it kills and
 * removes that when this process is gone, also after SIGKILL. The first call starts it.
 */
function tell(order: Order): void {
  if (!guardian) {
    // Children inherit this, also one that has just been started, and that the guardian has not been told of yet.
    process.env[MARK] = randomUUID();
    const { [MARK]: mark, ...environment } = process.env;
    guardian = spawn(process.execPath, [SCRIPT, `${MARK}=${mark}`], {
      env: environment,
      detached: true,
      windowsHide: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    guardian.unref();
    // A guardian that somebody killed takes no more orders; the command itself can still tidy up.
    guardian.stdin?.on('error', () => {});
    guardian.on('error', () => {});
  }
  guardian.stdin?.write(`${JSON.stringify(order)}\n`);
}

/** Starts the guardian now, so that it is up before the first process that it has to watch. */
export function summonGuardian(): void {
  tell({});
}

/** Has `child` and its process group killed when this process ends, until it has ended by itself. */
export function guard(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  tell({ guard: pid });
  child.once('exit', () => tell({ release: pid }));
}

/** Has `path` removed when this process ends; the function returned takes that back. */
export function guardPath(path: string): () => void {
  tell({ remove: path });
  return () => tell({ keep: path });
}

/** Has `program` run, as that user, when this process ends and its children are gone. */
export function atTheEnd(program: LastProgram): void {
  tell({ run: program });
}

/** Lets the guardian do what is left, and waits for its end. */
export async function dismissGuardian(): Promise<void> {
  const dismissed = guardian;
  guardian = undefined;
  if (!dismissed || dismissed.exitCode !== null || dismissed.signalCode !== null) return;
  const exit = once(dismissed, 'exit');
  dismissed.ref();
  dismissed.stdin?.end();
  await exit;
}
