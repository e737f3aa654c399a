import { isDeepStrictEqual } from 'node:util';
import { failSomehow } from '../failures.ts';
import { within } from '../fair-clock.ts';
import type { Group } from '../group.ts';
import { Latch } from '../handled.ts';
import { eventually, expectThat } from '../unmet.ts';
import { an, NEVER_IDLE_MS, type WorkQueue } from '../work-queue.ts';
import type { Worker } from '../worker.ts';
import type { Scenario } from './scenario.ts';

const FAILURES = 14;
/** A failure holds up the next one for a second at most; all of them together for much less than all of those seconds. */
const HELD_UP_MS = 2500;

/** While a handler runs, its entry is pending; one that failed stays so, and the worker goes on. */
export const acknowledgesAfterwards: Scenario = async (queue) => {
  const { trial, group, handled, what } = queue;
  const alice = await trial.hire('alice');
  const held = new Latch();
  let failing = '';
  const [first = ''] = (await queue.add(1)).keys();
  const loop = queue.start(alice, NEVER_IDLE_MS, async (id) => {
    if (id === first) await held.opened;
    failing ||= id === first ? '' : id;
    if (id === failing) throw new Error('out of order (this error is a part of the check)');
  });

  await handled.include([first]);
  const inHand = await group.pending();
  expectThat(isDeepStrictEqual(inHand, [{ id: first, consumer: 'alice' }]), {
    expected: `${what} ${first} to be pending, held by alice, while its handler runs`,
    happened:
      inHand.map(({ id, consumer }) => `${id} is held by ${consumer}`).join(', ') ||
      'nothing is pending: a crash would lose it now',
    about: { entries: [first] },
  });
  held.open();
  await group.allAcknowledged();

  const added = [...(await queue.add(8)).keys()];
  await handled.include(added);
  await eventually(async () => isDeepStrictEqual(await group.pendingIds(), [failing]), {
    expected: `${what} ${failing}, whose handler threw, to stay pending, and the others to be acknowledged`,
    happened: async () => `pending: ${(await group.pendingIds()).join(', ') || 'none'}`,
    about: async () => ({ entries: await wronglyPending(group, failing) }),
  });
  await handled.include((await queue.add(1)).keys());
  await loop.end();
  const left = await group.pendingIds();
  expectThat(isDeepStrictEqual(left, [failing]), {
    expected: `${what} ${failing} to be pending still when the worker has stopped: it was never handled`,
    happened: `pending: ${left.join(', ') || 'none'}`,
    about: { entries: [failing] },
  });
  await goesOnAfterFailures(queue, alice);
  await bearsThatOthersAcknowledge(queue, alice);
};

/** Many fail in a row, each in its own way. Whatever a handler throws, the worker goes on with the next at once. */
async function goesOnAfterFailures<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  worker: Worker<Submission>,
): Promise<void> {
  const { group, handled, what } = queue;
  const failing = [...(await queue.add(FAILURES)).keys()];
  const good = [...(await queue.add(2)).keys()];
  const options = { throwsAtOnceFor: failing.filter((_, place) => place % 7 === 6) };
  const work = (id: string) => {
    const place = failing.indexOf(id);
    if (place >= 0) failSomehow(id, place);
  };
  const loop = queue.start(worker, NEVER_IDLE_MS, work, options);
  const tried = () => failing.filter((id) => handled.times(id) > 0).length;
  await eventually(
    () => tried() > 0,
    { expected: `${an(what)} to reach the handler`, happened: 'none did' },
    tried,
  );
  await within(
    worker,
    HELD_UP_MS,
    () => good.every((id) => handled.of(id).some((call) => call.done)),
    {
      expected: `a handler that fails to hold up nobody: the next ${what} is begun at once, whatever was thrown`,
      happened: () =>
        `${tried()} of ${FAILURES} handlers had failed after ${HELD_UP_MS / 1000} seconds, and the ${what} behind them was not handled`,
      about: () => ({ entries: [...good, ...failing.slice(-2)], workers: [worker.name] }),
    },
  );
  await eventually(async () => (await group.pendingIds()).every((id) => !good.includes(id)), {
    expected: `the ${what} behind those that have failed to be acknowledged`,
    happened: 'it is still pending',
  });
  await loop.end();
  const pending = await group.pendingIds();
  const lost = failing.find((id) => !pending.includes(id));
  expectThat(lost === undefined, {
    expected: `every ${what} whose handler failed to stay pending, whatever the handler threw`,
    happened: `${lost} was acknowledged, and its handler had failed`,
    about: { entries: lost ? [lost] : [] },
  });
}

/** Somebody acknowledges an entry while its handler runs: XACK then answers 0, and all is well. */
async function bearsThatOthersAcknowledge<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  worker: Worker<Submission>,
): Promise<void> {
  const { group, handled, what } = queue;
  const inHand = new Latch();
  const [id = ''] = (await queue.add(1)).keys();
  const loop = queue.start(worker, NEVER_IDLE_MS, (entry) =>
    entry === id ? inHand.opened : undefined,
  );
  await handled.include([id]);
  await group.acknowledge(id);
  inHand.open();
  const [next = ''] = (await queue.add(1)).keys();
  await handled.include([next]);
  await eventually(async () => !(await group.pendingIds()).includes(next), {
    expected: `a worker to go on when somebody else has acknowledged what it has in hand (XACK answers 0)`,
    happened: `the next ${what} is not acknowledged`,
    about: { entries: [next, id] },
  });
  await loop.end();
}

/** What should be acknowledged and is not; or else the one that should be pending. */
async function wronglyPending(group: Group, failing: string): Promise<string[]> {
  const wrong = (await group.pendingIds()).filter((id) => id !== failing);
  return wrong.length > 0 ? wrong : [failing];
}
