import { setTimeout as sleep } from 'node:timers/promises';
import { expectThat, type Wording } from '../harness/unmet.ts';

const LOOK_MS = 10;
/** A look takes longer on a busy machine, and that is nobody's fault: no more than this of it counts. */
const MOST_OF_A_LOOK_MS = 60;
/** On top of what the exercise allows. */
const TOLERANCE = 1.1;

/**
 * Waits until `probe` holds, for so many milliseconds of a machine that is not busy.
 *
 * @returns how many of them it took; undefined when it has not come about
 */
export async function calmly(
  milliseconds: number,
  probe: () => boolean | Promise<boolean>,
): Promise<number | undefined> {
  let calm = 0;
  for (;;) {
    const start = performance.now();
    if (await probe()) return calm;
    if (calm > milliseconds) return undefined;
    await sleep(LOOK_MS);
    calm += Math.min(performance.now() - start, MOST_OF_A_LOOK_MS);
  }
}

/** Expects that something comes about within the time that the exercise allows for it. */
export async function within(
  milliseconds: number,
  probe: () => boolean | Promise<boolean>,
  { expected, happened }: Wording,
): Promise<void> {
  if ((await calmly(milliseconds * TOLERANCE, probe)) !== undefined) return;
  expectThat(false, {
    expected,
    happened: typeof happened === 'string' ? happened : await happened(),
  });
}
