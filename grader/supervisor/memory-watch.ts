import pidusage from 'pidusage';
import type { HostProcess } from './host-process.ts';

const LOOK_EVERY_MS = 250;
const LIMIT_MB = 1024;

/** Ends every host that takes more memory than a submission can have any use for. */
export function watchMemory(hosts: () => readonly HostProcess[]): { stop(): void } {
  let looking = false;
  const timer = setInterval(async () => {
    if (looking) return;
    looking = true;
    for (const host of hosts()) {
      const usage = await pidusage(host.pid).catch(() => undefined);
      if (usage && usage.memory > LIMIT_MB * 1024 * 1024) {
        host.stop(`it took more than ${LIMIT_MB} MB of memory`);
      }
    }
    looking = false;
  }, LOOK_EVERY_MS);
  return { stop: () => clearInterval(timer) };
}
