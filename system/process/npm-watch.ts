import { existsSync, readFileSync } from 'node:fs';
import { run } from './run-program.ts';

const CHECK_EVERY_MS = 500;
const SHELL = /(^|\/)-?(sh|dash|bash|zsh|ash|busybox)$/;

/**
 * Calls `gone` when the npm that started this command is killed by SIGKILL, the one signal that it
 * cannot pass on. Does nothing when npm has not started it, or has started another command that did.
 */
export function watchNpm(gone: () => void): void {
  if (process.env.npm_lifecycle_event !== process.argv[2]) return;
  void findNpm().then((npm) => {
    if (npm === undefined) return gone();
    const timer = setInterval(() => {
      try {
        process.kill(npm, 0);
      } catch {
        clearInterval(timer);
        gone();
      }
    }, CHECK_EVERY_MS);
    timer.unref();
  });
}

/** npm is our parent, or the parent of the shell that npm runs its scripts in; undefined when it is gone already. */
async function findNpm(): Promise<number | undefined> {
  const { ppid } = process;
  const parent = await lookUp(ppid);
  const npm = parent && SHELL.test(parent.program ?? '') ? Number(parent.parent) : ppid;
  // npm can be killed before we are awake, and whoever has adopted us looks like npm then. It need not
  // be process 1, and in a container npm may be; but npm, unlike a stranger, shares our process group.
  const [own, candidate] = await Promise.all([lookUp(process.pid), lookUp(npm)]);
  const isStranger = own && candidate && own.group !== candidate.group;
  return isStranger ? undefined : npm;
}

/** The `program`, the `parent` and the `group` of a process. */
async function lookUp(pid: number): Promise<Record<string, string> | undefined> {
  const stat = `/proc/${pid}/stat`;
  if (existsSync(stat)) {
    // pid (program) state parent group ...; the program's name may itself hold spaces and parentheses.
    const entry = /\((?<program>.*)\) \S+ (?<parent>\d+) (?<group>\d+)/s;
    return entry.exec(readFileSync(stat, 'utf8'))?.groups;
  }
  const { output } = await run('ps', ['-o', 'ppid=,pgid=,comm=', '-p', String(pid)]);
  return /^\s*(?<parent>\d+)\s+(?<group>\d+)\s+(?<program>.*\S)/.exec(output)?.groups;
}
