import { whilePassing } from '../fair-clock.ts';
import { Latch } from '../handled.ts';
import { eventually, expectThat } from '../unmet.ts';
import { an, NEVER_IDLE_MS, type WorkQueue } from '../work-queue.ts';
import type { Worker } from '../worker.ts';
import { expectNothingLost, stopsInMidWork } from './mid-work.ts';

const HANGING = 12;
/** What one that has returned would still do with the result of a handler, it does at once. */
const SETTLED_MS = 60;

/** A handler hangs. The worker returns all the same, and whatever comes of the handler, nobody acknowledges the entry. */
export async function leavesWhatHangs<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  worker: Worker<Submission>,
): Promise<void> {
  const { group, handled, what } = queue;
  const hanging = new Latch();
  const before = handled.calls.length;
  const ids = [...(await queue.add(HANGING)).keys()];
  const loop = queue.start(worker, NEVER_IDLE_MS, () => hanging.opened);
  await eventually(() => handled.calls.length > before, {
    expected: `${an(what)} to reach the handler`,
    happened: 'none did',
  });
  const { stopped, begunLater } = await stopsInMidWork(queue, worker, loop);
  await stopped;
  const left = handled.calls.slice(before);
  const stillPending = async () => {
    const pending = await group.pendingIds();
    return left.filter(({ id }) => pending.includes(id)).length;
  };
  expectThat((await stillPending()) === left.length, {
    expected: `${an(what)} whose handler hangs when the worker is stopped to stay pending`,
    happened: `${left.length - (await stillPending())} of ${left.length} were acknowledged: nobody will ever handle them`,
    about: { entries: left.map(({ id }) => id), workers: [worker.name] },
  });
  hanging.open();
  await eventually(() => left.every(({ done }) => done), {
    expected: 'the handler to come to its end after all',
    happened: 'it did not',
  });
  await whilePassing(worker, SETTLED_MS);
  // One may have been on its way to the handler.
  expectThat(begunLater() <= 1, {
    expected: 'no handler to begin after the abort',
    happened: `${begunLater()} began after it, when ${left.length} were running`,
    about: { workers: [worker.name], entries: left.map(({ id }) => id) },
  });
  expectThat((await stillPending()) === left.length, {
    expected: `nobody to acknowledge ${an(what)} when its handler ends long after the worker has returned: by then somebody else may be at work on it`,
    happened: `${left[0]?.id} was acknowledged by a worker that had returned`,
    about: { entries: left.map(({ id }) => id), workers: [worker.name] },
  });
  await expectNothingLost(queue, ids, what);
  await leavesWhatComesWithTheStop(queue, worker);
}

/** An entry reaches the worker's process in the same moment as the stop, right behind it: its handler hangs, and the worker returns. */
async function leavesWhatComesWithTheStop<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  worker: Worker<Submission>,
): Promise<void> {
  const { group, handled, what } = queue;
  await group.skipAll();
  const left = await group.pendingIds();
  if (left.length > 0) await group.acknowledge(...left);
  const hanging = new Latch();
  const greeting = [...(await queue.add(1)).keys()];
  const isGreeting = (id: string) => greeting.includes(id);
  const loop = queue.start(worker, NEVER_IDLE_MS, (id) =>
    isGreeting(id) ? undefined : hanging.opened,
  );
  await handled.complete(greeting);
  await eventually(async () => (await group.pendingIds()).every((id) => !isGreeting(id)), {
    expected: `${an(what)} to be acknowledged`,
    happened: `${greeting[0]} is pending still`,
  });
  await worker.pause();
  const stopped = loop.stop();
  stopped.catch(() => {});
  // Paused again, and no less: by now the stop is on its way, and comes first.
  await worker.pause();
  const ids = [...(await queue.add(1)).keys()];
  await worker.resume();
  await stopped;
  hanging.open();
  await group.acknowledge(...ids);
}
