import { setTimeout as sleep } from 'node:timers/promises';
import { saidNow, Unmet, type Wording } from '../harness/unmet.ts';

const LOOK_MS = 10;
/** On top of what the exercise allows. */
const TOLERANCE = 1.1;
/** A busy machine is late, for everybody. What one waits for takes some steps, and each may be as late as our looks are. */
const LATE_STEPS = 10;

/**
 * Coarser than the harness's clock for one worker (fair-clock.ts), and sharper: what several projectors have promised together, in
 * seconds, is judged by how late everything is on this machine.
 *
 * Waits until `probe` holds, for so many milliseconds, and for longer on a machine that is busy.
 *
 * @returns whether it has come about
 */
export async function calmly(
  milliseconds: number,
  probe: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const start = performance.now();
  for (let looks = 1; ; looks++) {
    if (await probe()) return true;
    const elapsed = performance.now() - start;
    const lateness = elapsed / looks - LOOK_MS;
    if (elapsed > milliseconds + LATE_STEPS * Math.max(0, lateness)) return false;
    await sleep(LOOK_MS);
  }
}

/** Expects that something comes about within the time that the exercise allows for it. */
export async function within(
  milliseconds: number,
  probe: () => boolean | Promise<boolean>,
  { expected, happened, about }: Wording,
): Promise<void> {
  if (await calmly(milliseconds * TOLERANCE, probe)) return;
  throw new Unmet(expected, await saidNow(happened), await saidNow(about));
}
