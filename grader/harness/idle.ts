import type { Recorded } from './recorder.ts';
import type { Trial } from './trial.ts';
import { expectThat } from './unmet.ts';

const WATCH_MS = 250;
const CLOCK = 'grader:clock';
const SOME_PER_SECOND = 100;
const MANY_PER_SECOND = 300;
const MOST_OF_WHAT_IS_POSSIBLE = 0.15;
const A_PAUSE_MS = 10;
const OFTEN_PAUSED = 0.4;

/** What a worker sends to Redis while there is nothing to do. */
interface Idleness {
  readonly count: number;
  readonly milliseconds: number;
  /** Whether it asks again and again, as fast as it gets answers. */
  readonly spins: boolean;
}

/** Watches the only worker that runs, which is idle, for a moment: all its connections, whatever it calls them. */
async function commandsWhileIdle<Submission>(trial: Trial<Submission>): Promise<Idleness> {
  const { sent, milliseconds } = await watch(trial, (over) => over);
  const count = sent.length;
  // On a busy machine, one look may come at a moment when others have the processor.
  const isSuspect = (count / milliseconds) * 1000 > SOME_PER_SECOND;
  const spins = isSuspect && ((await asksAllTheTime(trial)) || (await asksAllTheTime(trial)));
  return { count, milliseconds, spins };
}

/**
 * Expects the only worker that runs to wait for news in peace.
 *
 * @param who that is, and that there is nothing to do: `a worker without a new order`
 */
export async function expectToWait<Submission>(
  trial: Trial<Submission>,
  who: string,
): Promise<void> {
  const { count, milliseconds, spins } = await commandsWhileIdle(trial);
  expectThat(!spins, {
    expected: `${who} to wait in Redis (BLOCK), or to pause between rounds`,
    happened: `it sent ${count} commands in ${milliseconds} ms`,
  });
}

/**
 * Expects that nobody sends anything any more: all loops have returned.
 *
 * @param who has returned last: `a worker`
 */
export async function expectToBeDone<Submission>(
  trial: Trial<Submission>,
  who: string,
): Promise<void> {
  const { count, milliseconds } = await commandsWhileIdle(trial);
  expectThat(count === 0, {
    expected: `${who} that has returned to be done: no timer of its own, no loop that goes on`,
    happened: `it sent ${count} commands in the ${milliseconds} ms after it returned`,
  });
}

/** Whether it sends a good part of what one connection can ask on this machine at this moment, one question after the other. */
async function asksAllTheTime<Submission>(trial: Trial<Submission>): Promise<boolean> {
  let possible = 0;
  const { sent, milliseconds } = await watch(trial, async (over) => {
    let watching = true;
    const stop = over.finally(() => {
      watching = false;
    });
    for (; watching; possible++) await trial.redis.ping();
    await stop;
  });
  return (
    (sent.length / milliseconds) * 1000 > MANY_PER_SECOND &&
    sent.length > possible * MOST_OF_WHAT_IS_POSSIBLE &&
    !pausesOften(sent, milliseconds)
  );
}

/** Who asks for many things in a round, and then pauses, does not spin, also where a round takes its time. */
function pausesOften(sent: readonly Recorded[], milliseconds: number): boolean {
  const pauses = sent
    .map(({ at }, index) => at - (sent[index - 1]?.at ?? at))
    .filter((pause) => pause >= A_PAUSE_MS);
  return pauses.reduce((sum, pause) => sum + pause, 0) / milliseconds >= OFTEN_PAUSED;
}

/** What is sent within a moment. The server keeps the time: a read that blocks on a key that does not exist. */
async function watch<Submission>(
  trial: Trial<Submission>,
  meanwhile: (over: Promise<unknown>) => Promise<unknown>,
): Promise<{ sent: Recorded[]; milliseconds: number }> {
  const before = (await trial.commands()).length;
  const clock = trial.redis.duplicate();
  const start = performance.now();
  await meanwhile(clock.xread('BLOCK', WATCH_MS, 'STREAMS', CLOCK, '$'));
  const milliseconds = Math.round(performance.now() - start);
  clock.disconnect();
  const sent = (await trial.commands())
    .slice(before)
    .filter(({ worker, args }) => worker !== '(script)' && !args.includes(CLOCK));
  return { sent, milliseconds };
}
