import { readFileSync } from 'node:fs';
import pidusage from 'pidusage';
import type { HostProcess } from './host-process.ts';

const LOOK_EVERY_MS = 250;
const LIMIT_MB = 512;

/**
 * Ends every host that takes more memory than a submission can have any use for, it and what it has started.
 *
 * @returns what ends the watch
 */
export function watchMemory(hosts: () => readonly HostProcess[]): () => void {
  let looking = false;
  const timer = setInterval(async () => {
    if (looking) return;
    looking = true;
    for (const host of hosts()) {
      const usages = await pidusage(familyOf(host.pid)).catch(() => ({}));
      const bytes = Object.values(usages).reduce((sum, usage) => sum + (usage?.memory ?? 0), 0);
      if (bytes > LIMIT_MB * 1024 * 1024) host.stop(`it took more than ${LIMIT_MB} MB of memory`);
    }
    looking = false;
  }, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}

/** A process and all that came out of it, where /proc tells; else that process alone. */
function familyOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return [pid, ...children.split(' ').filter(Boolean).map(Number).flatMap(familyOf)];
  } catch {
    return [pid];
  }
}
