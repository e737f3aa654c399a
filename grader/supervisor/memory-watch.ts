import type { HostProcess } from './host-process.ts';
import { usageOf } from './usage.ts';

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
      const { bytes } = await usageOf(host.pid);
      if (bytes > LIMIT_MB * 1024 * 1024) host.stop(`it took more than ${LIMIT_MB} MB of memory`);
    }
    looking = false;
  }, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}
