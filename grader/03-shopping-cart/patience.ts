import { setTimeout as sleep } from 'node:timers/promises';
import { saidNow, Unmet, type Wording } from '../harness/unmet.ts';

// Coarser than the harness's clock for one worker (fair-clock.ts), and sharper: what several projectors have promised together, in
// seconds, is judged by how late everything is on this machine.

const LOOK_MS = 10;
/** On top of what the exercise allows. */
const TOLERANCE = 1.1;
/** A busy machine is late, for everybody. What one waits for takes some steps, and each may be as late as our looks are. */
const LATE_STEPS = 10;
/** How long at most somebody who gets on may take, on top of what is allowed. */
const GETTING_ON_MS = 20_000;

/** Whether `probe` comes to hold within so many milliseconds, or longer on a machine that is busy. */
export function calmly(
  milliseconds: number,
  probe: () => boolean | Promise<boolean>,
): Promise<boolean> {
  return isDone(milliseconds, async () => ((await probe()) ? undefined : 'something'));
}

/**
 * Expects that nothing is left to do within the time that the exercise allows for it.
 *
 * @param left what is still to be done, in words that change with every step
 */
export async function within(
  milliseconds: number,
  left: () => Promise<string | undefined>,
  { expected, about }: Pick<Wording, 'expected' | 'about'>,
): Promise<void> {
  if (await isDone(milliseconds * TOLERANCE, left)) return;
  const happened = (await left()) ?? 'it is done now, but that was too late';
  throw new Unmet(expected, happened, await saidNow(about));
}

/**
 * Waits until nothing is left. The clock stands still while somebody gets on: who began in time, and has much to do on a slow machine,
 * is not late.
 */
async function isDone(
  milliseconds: number,
  left: () => Promise<string | undefined>,
): Promise<boolean> {
  const start = performance.now();
  let gotOn = 0;
  let before = await left();
  let looked = performance.now();
  for (let looks = 1; before !== undefined; looks++) {
    const elapsed = performance.now() - start;
    const lateness = Math.max(0, elapsed / looks - LOOK_MS);
    if (elapsed - Math.min(gotOn, GETTING_ON_MS) > milliseconds + LATE_STEPS * lateness)
      return false;
    await sleep(LOOK_MS);
    const now = await left();
    if (now !== before) gotOn += performance.now() - looked;
    looked = performance.now();
    before = now;
  }
  return true;
}
