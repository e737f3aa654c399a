import { setTimeout as sleep } from 'node:timers/promises';
import type { HostProcess } from './host-process.ts';
import { usageOf } from './usage.ts';

const LOOK_EVERY_MS = 250;
/** What a late look counts for at most. */
const LONGEST_LOOK_MS = 500;
/** A process that neither answers nor gets any processor time is not for ever given the benefit of the doubt. */
const WALL_COUNTS_FOR = 1 / 8;

/**
 * Resolves when a submission has had so many milliseconds to be loaded, by the time of its own process. While that answers, it
 * only waits, and time passes as on the wall; while it does not, what counts is the processor time that the machine has given it.
 * A machine that is busy with others makes nobody late.
 *
 * @param over aborted when the submission is loaded
 */
export async function ownTimePasses(
  host: HostProcess,
  milliseconds: number,
  over: AbortSignal,
): Promise<void> {
  let passed = 0;
  let { cpuMs } = await usageOf(host.pid);
  while (passed < milliseconds && !over.aborted) {
    const start = performance.now();
    await sleep(LOOK_EVERY_MS, undefined, { signal: over });
    const answers = await host.answers();
    const elapsed = performance.now() - start;
    const now = await usageOf(host.pid);
    passed += answers
      ? Math.min(elapsed, LONGEST_LOOK_MS)
      : Math.max(now.cpuMs - cpuMs, elapsed * WALL_COUNTS_FOR);
    cpuMs = now.cpuMs;
  }
}
