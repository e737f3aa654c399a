import { existsSync, readFileSync } from 'node:fs';
import { run } from './run-program.ts';

const CHECK_EVERY_MS = 500;
const SHELL = /(^|\/)-?(sh|dash|bash|zsh|ash|busybox)$/;

/**
 * Calls `gone` when the npm that started this command is killed by SIGKILL, the one signal that it
 * cannot pass on. Does nothing when no npm has started it.
 */
export function watchNpm(gone: () => void): void {
  if (!process.env.npm_lifecycle_event) return;
  void findNpm().then((npm) => {
    const timer = setInterval(() => {
      if (isAlive(npm)) return;
      clearInterval(timer);
      gone();
    }, CHECK_EVERY_MS);
    timer.unref();
  });
}

/** npm is our parent, or the parent of the shell that npm runs its scripts in. */
async function findNpm(): Promise<number> {
  const parent = await lookUp(process.ppid);
  return parent && SHELL.test(parent.program) ? parent.parent : process.ppid;
}

interface ProcessEntry {
  readonly parent: number;
  readonly program: string;
}

async function lookUp(pid: number): Promise<ProcessEntry | undefined> {
  const stat = `/proc/${pid}/stat`;
  if (existsSync(stat)) {
    // pid (program) state parent ...; the program's name may itself hold spaces and parentheses.
    const [, program, parent] = /\((.*)\) \S+ (\d+)/s.exec(readFileSync(stat, 'utf8')) ?? [];
    return program && parent ? { program, parent: Number(parent) } : undefined;
  }
  const { output } = await run('ps', ['-o', 'ppid=,comm=', '-p', String(pid)]);
  const [, parent, program] = /^\s*(\d+)\s+(.*\S)/.exec(output) ?? [];
  return program && parent ? { program, parent: Number(parent) } : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
