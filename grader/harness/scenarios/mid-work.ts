import { setTimeout as sleep } from 'node:timers/promises';
import { whilePassing } from '../fair-clock.ts';
import { expectThat } from '../unmet.ts';
import type { WorkQueue } from '../work-queue.ts';
import type { Loop, Worker } from '../worker.ts';

/** Who works on several at a time has begun them all by then. */
const QUIET_MS = 30;
/** On a busy machine, the last part of the half second may be lost on the way. */
const IN_TIME_MS = 400;
const LISTEN_EVERY_MS = 10;

/** A loop that was told to stop in the middle of its work. */
interface Stopping {
  /** Rejects when it does not return in time. */
  readonly stopped: Promise<void>;
  /** Whether it has returned by now. */
  readonly hasReturned: () => boolean;
  /** How many handlers it has begun all the same. */
  readonly begunLater: () => number;
  /** Whether something that happened at this moment, or has not yet, came well within the half second that a handler has. */
  readonly wasInTime: (at: number | undefined) => boolean;
}

/** Tells a worker to stop whose handlers wait for something, so that it begins no more. */
export async function stopsInMidWork<Submission, Item>(
  { handled }: WorkQueue<Submission, Item>,
  worker: Worker<Submission>,
  loop: Loop,
): Promise<Stopping> {
  await worker.answers();
  for (let before = -1; before !== handled.calls.length; ) {
    before = handled.calls.length;
    await whilePassing(worker, QUIET_MS);
  }
  const heard = handled.calls.length;
  const stoppedAt = performance.now();
  let returnedAt: number | undefined;
  const stopped = loop.stop(() => {
    returnedAt = performance.now();
  });
  let over = false;
  stopped
    .catch(() => {})
    .finally(() => {
      over = true;
    });
  let slowest = 0;
  const listen = async () => {
    while (!over && !worker.gone) {
      const asked = performance.now();
      if (!(await worker.answers())) return;
      slowest = Math.max(slowest, performance.now() - asked);
      await sleep(LISTEN_EVERY_MS);
    }
  };
  void listen().catch(() => {});
  await worker.answers();
  return {
    stopped,
    hasReturned: () => returnedAt !== undefined,
    begunLater: () => handled.calls.length - heard,
    // What happens here, a process that has to wait for its turn hears later.
    wasInTime: (at) => (at ?? returnedAt ?? performance.now()) - stoppedAt + slowest < IN_TIME_MS,
  };
}

/** What no handler has finished must be pending, or not read yet. */
export async function expectNothingLost<Submission, Item>(
  { group, handled }: WorkQueue<Submission, Item>,
  ids: readonly string[],
  what: string,
): Promise<void> {
  const pending = await group.pendingIds();
  const unread = new Set(await group.unreadIds());
  const lost = ids.find(
    (id) => !pending.includes(id) && !unread.has(id) && !handled.of(id).some(({ done }) => done),
  );
  expectThat(lost === undefined, {
    expected: `every ${what} that the worker did not come to any more to be left for others`,
    happened: `${lost} was acknowledged, and never handled`,
    about: { entries: lost ? [lost] : [] },
  });
}
