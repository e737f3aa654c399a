import type { Trial } from './trial.ts';

const WATCH_MS = 250;

/** What a worker sends to Redis while there is nothing to do. */
export interface Idleness {
  readonly count: number;
  readonly milliseconds: number;
  readonly perSecond: number;
}

/**
 * Watches an idle worker for a moment. The server keeps the time: a read that blocks on a key that does not exist.
 */
export async function commandsWhileIdle<Submission>(
  trial: Trial<Submission>,
  worker: string,
): Promise<Idleness> {
  const before = (await trial.commands()).length;
  const clock = trial.redis.duplicate();
  const start = performance.now();
  await clock.xread('BLOCK', WATCH_MS, 'STREAMS', `grader:clock:${Math.random()}`, '$');
  const milliseconds = Math.round(performance.now() - start);
  clock.disconnect();
  const sent = (await trial.commands()).slice(before);
  const count = sent.filter((command) => command.worker === worker).length;
  return { count, milliseconds, perSecond: (count / milliseconds) * 1000 };
}
