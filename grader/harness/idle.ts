import type { Trial } from './trial.ts';

const WATCH_MS = 250;
const CLOCK = 'grader:clock';
const MANY_PER_SECOND = 300;
const MOST_OF_WHAT_IS_POSSIBLE = 0.15;
const A_PAUSE_MS = 10;
const OFTEN_PAUSED = 0.4;

/** What a worker sends to Redis while there is nothing to do. */
export interface Idleness {
  readonly count: number;
  readonly milliseconds: number;
  /** Whether it asks again and again, as fast as it gets answers. */
  readonly spins: boolean;
}

/**
 * Watches the only worker that runs, which is idle, for a moment: all its connections, whatever it calls them. The server keeps
 * the time: a read that blocks on a key that does not exist.
 */
export async function commandsWhileIdle<Submission>(trial: Trial<Submission>): Promise<Idleness> {
  const before = (await trial.commands()).length;
  const clock = trial.redis.duplicate();
  const start = performance.now();
  let watching = true;
  const watched = clock.xread('BLOCK', WATCH_MS, 'STREAMS', CLOCK, '$').finally(() => {
    watching = false;
  });
  // What one connection can ask on this machine at this moment, one question after the other.
  let possible = 0;
  for (; watching; possible++) await trial.redis.ping();
  await watched;
  const milliseconds = Math.round(performance.now() - start);
  clock.disconnect();
  const sent = (await trial.commands()).slice(before);
  const own = sent.filter(({ worker, args }) => worker !== '(script)' && !args.includes(CLOCK));
  const count = own.length;
  const perSecond = (count / milliseconds) * 1000;
  // Who asks for many things in a round, and then pauses, does not spin, also where a round takes its time.
  const pauses = own
    .map(({ at }, index) => at - (own[index - 1]?.at ?? at))
    .filter((pause) => pause >= A_PAUSE_MS);
  const paused = pauses.reduce((sum, pause) => sum + pause, 0) / milliseconds;
  const spins =
    perSecond > MANY_PER_SECOND &&
    count > possible * MOST_OF_WHAT_IS_POSSIBLE &&
    paused < OFTEN_PAUSED;
  return { count, milliseconds, spins };
}
