import type { HostPool } from './host-pool.ts';
import type { Isolation } from './isolation.ts';
import { usageOf } from './usage.ts';

const LOOK_EVERY_MS = 250;
const LIMIT_MB = 512;
/** No more than that at once, of one host or of all that belong to its user. */
export const MOST_PROCESSES = 300;

/**
 * Ends every host that takes more memory, or has more processes, than a submission can have any use for, it and what it has started; and all of them when
 * what they have let go takes too much.
 *
 * @returns what ends the watch
 */
export function watchMemory(pool: HostPool, isolation: Isolation | undefined): () => void {
  const tooMany = `it started more than ${MOST_PROCESSES} processes`;
  let looking = false;
  const timer = setInterval(async () => {
    if (looking) return;
    looking = true;
    for (const host of pool.occupied) {
      const { bytes, processes } = await usageOf(host.pid);
      if (processes > MOST_PROCESSES) host.stop(tooMany);
      if (bytes > LIMIT_MB * 1024 * 1024) host.stop(`it took more than ${LIMIT_MB} MB of memory`);
    }
    const excess = isolation?.excess?.(pool.pids);
    if (excess) {
      for (const host of pool.occupied) host.stop(excess);
      await isolation?.sweep?.();
    }
    looking = false;
  }, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}
