import { setTimeout as sleep } from 'node:timers/promises';
import { whilePassing } from '../fair-clock.ts';
import { Latch } from '../handled.ts';
import { expectToBeDone, expectToWait } from '../idle.ts';
import { eventually, expectThat } from '../unmet.ts';
import { an, NEVER_IDLE_MS, type WorkQueue } from '../work-queue.ts';
import type { Worker } from '../worker.ts';
import { expectNothingLost, stopsInMidWork } from './mid-work.ts';
import { type Scenario, SHORT_IDLE_MS } from './scenario.ts';

const WORK_MS = 4;
/** Less than the half second that a handler has after the abort. */
const TAKEN_WORK_MS = 290;
/** Ten of these, one after the other, are more than a worker has time for. */
const LONG_WORK_MS = 170;
/** And so are that many of the others. */
const LEFT = 12;
const TAKEN_OVER_WITHIN_MS = 1000;
const FEW = 5;
const BACKLOG = 60;
/** Who does not wait for the reply to its XACK has returned by then. */
const ACKNOWLEDGED_WITHIN_MS = 40;
const PAUSE_MS = 1500;
const LONG_BEFORE_MS = 550;

/** An idle worker waits in Redis, and both an idle and a busy one stop as they should. */
export const waitsAndStops: Scenario = async (queue) => {
  const { trial, what } = queue;
  const [alice, bob] = await trial.hireAll('alice', 'bob');

  const idle = queue.start(alice, NEVER_IDLE_MS);
  await handlesOneMore(queue);
  await expectToWait(trial, `a worker without a new ${what}`);
  // Woken once more, so that it has only just begun to wait when it is told to stop.
  await handlesOneMore(queue);
  await idle.stop();
  await trial.expectConnectionsClosed();

  // In the same process once more, and told to stop at once: before it has come to anything.
  const again = queue.start(alice, NEVER_IDLE_MS);
  await handlesOneMore(queue);
  await again.stop();
  await queue.start(alice, NEVER_IDLE_MS).stop();
  await hearsWhatWasSaidBefore(queue, alice);
  await stopsAlone(queue, alice);
  await trial.expectConnectionsClosed();

  await stopsInABacklog(queue, bob);
  await isDoneWhenItReturns(queue, bob);
};

/** Of several that run at the same time, each takes longer than the one before: milliseconds, for the one at this place. */
function takes(milliseconds: number, place: number): number {
  return milliseconds + 20 * Math.min(4, Math.max(0, place));
}

const handlesOneMore: Scenario = async ({ add, handled, group }) => {
  await handled.include((await add(1)).keys());
  await group.allAcknowledged();
};

/** The signal is aborted already when the worker gets it: no event will ever tell it so. */
async function hearsWhatWasSaidBefore<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  worker: Worker<Submission>,
): Promise<void> {
  const { handled, what } = queue;
  const before = handled.calls.length;
  const ids = [...(await queue.add(FEW)).keys()];
  await queue.start(worker, NEVER_IDLE_MS, undefined, { aborted: true }).stop();
  // One may have been on its way to the handler.
  expectThat(handled.calls.length <= before + 1, {
    expected: `a worker whose signal is aborted before the call to begin nothing`,
    happened: `it handled ${handled.calls.length - before} of the ${FEW} that were waiting`,
    about: { entries: ids, workers: [worker.name] },
  });
  await expectNothingLost(queue, ids, what);
}

/** Two workers in one process, on one connection of their caller. The one that stops must not take the other with it. */
async function stopsAlone<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  worker: Worker<Submission>,
): Promise<void> {
  const { handled, group, what } = queue;
  const one = queue.start(worker, NEVER_IDLE_MS, undefined, { name: worker.name });
  const other = queue.start(worker, NEVER_IDLE_MS, undefined, { name: `${worker.name}-2` });
  await handled.include((await queue.add(FEW)).keys());
  await one.stop();
  const ids = [...(await queue.add(FEW)).keys()];
  await eventually(() => ids.every((id) => handled.times(id) > 0), {
    expected: `of two workers in one process, on the same \`redis\`, the other to go on when one of them is stopped`,
    happened: () =>
      `${worker.name}-2 handled ${ids.filter((id) => handled.times(id) > 0).length} of the ${FEW} that came after ${worker.name} had stopped`,
    about: { entries: ids },
  });
  await eventually(async () => (await group.pendingIds()).every((id) => !ids.includes(id)), {
    expected: `what the other one has handled to be acknowledged`,
    happened: `${an(what)} of ${worker.name}-2 is still pending`,
  });
  await other.stop();
}

/** There is more than could be done in a second: it has to stop in the middle of it, with the XACK sent and answered. */
async function stopsInABacklog<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  worker: Worker<Submission>,
): Promise<void> {
  const { trial, group, handled, what } = queue;
  const inHand = new Latch();
  const ids = [...(await queue.add(BACKLOG)).keys()];
  const before = handled.calls.length;
  const busy = queue.start(worker, NEVER_IDLE_MS, async (id) => {
    await inHand.opened;
    await sleep(takes(LONG_WORK_MS, ids.indexOf(id)));
  });
  await handled.include(ids.slice(0, 1));
  // The half second begins with the abort, however long the handler has been at work by then.
  await whilePassing(worker, LONG_BEFORE_MS);
  const { stopped, hasReturned, wasInTime } = await stopsInMidWork(queue, worker, busy);
  const running = handled.calls.slice(before);
  const [first] = running;
  // From here on, nothing is written until we say so: who does not wait for the reply to its XACK returns too early.
  await trial.redis.call('CLIENT', 'PAUSE', PAUSE_MS, 'WRITE');
  inHand.open();
  const open = () => running.find(({ done, doneAt }) => !done && wasInTime(doneAt));
  await eventually(() => running.every(({ done }) => done) || hasReturned(), {
    expected: `the handler that is running to be waited for`,
    happened: `the worker did not return, and the handler did not end`,
  });
  await whilePassing(worker, ACKNOWLEDGED_WITHIN_MS);
  const tooEarly =
    hasReturned() &&
    wasInTime(first?.doneAt) &&
    (await group.pendingIds()).includes(first?.id ?? '');
  await trial.redis.call('CLIENT', 'UNPAUSE');
  const unpausedAt = performance.now();
  const stillOpen = hasReturned() ? open() : undefined;
  await stopped;
  const unfinished = stillOpen ?? open();
  expectThat(unfinished === undefined, {
    expected: `the ${what} in hand to be finished before the worker returns: its handler took ${LONG_WORK_MS} ms`,
    happened: `the handler of ${unfinished?.id} was still running`,
    about: { entries: [unfinished?.id ?? ''], workers: [worker.name] },
  });
  const pending = await group.pendingIds();
  const left = running.find(
    ({ id, doneAt }) => pending.includes(id) && wasInTime(doneAt) && wasInTime(unpausedAt),
  );
  const unacknowledged = tooEarly ? first : left;
  expectThat(unacknowledged === undefined, {
    expected: `the ${what} in hand to be acknowledged when the worker returns`,
    happened: `${unacknowledged?.id} was still pending: was the XACK waited for?`,
    about: { entries: [unacknowledged?.id ?? ''], workers: [worker.name] },
  });
  await expectNothingLost(queue, ids, what);
}

/** Stops a worker while it takes something over, if it does so by now: that is judged elsewhere. */
async function isDoneWhenItReturns<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  worker: Worker<Submission>,
): Promise<void> {
  const { trial, handled, group, what } = queue;
  // All that nobody was given by now is given to somebody who is dead.
  await queue.add(LEFT);
  const left = await group.leavePending('dead', 2 * BACKLOG);
  const ids = left.slice(-LEFT);
  await group.makeIdle('dead', ids);
  const deadline = performance.now() + TAKEN_OVER_WITHIN_MS;
  const inHand = new Latch();
  const work = async (id: string) => {
    await inHand.opened;
    await sleep(takes(TAKEN_WORK_MS, ids.indexOf(id)));
  };
  // A name that holds nothing yet.
  const busy = queue.start(worker, SHORT_IDLE_MS, work, { name: `${worker.name}-2` });
  const begun = () => handled.calls.filter(({ id }) => ids.includes(id));
  while (begun().length === 0 && performance.now() < deadline) await sleep(WORK_MS);
  const { stopped, wasInTime } = await stopsInMidWork(queue, worker, busy);
  inHand.open();
  await stopped;
  const pending = await group.pendingIds();
  const taken = begun().find(
    ({ id, done, doneAt }) => (!done || pending.includes(id)) && wasInTime(doneAt),
  );
  expectThat(taken === undefined, {
    expected: `${an(what)} that was taken over and is in hand at the stop to be finished and acknowledged when the worker returns, as any other`,
    happened: `${taken?.id} ${taken?.done ? 'was still pending' : 'had its handler still running'}`,
    about: { entries: [taken?.id ?? ''], workers: [worker.name] },
  });
  await expectToBeDone(trial, 'a worker');
}
