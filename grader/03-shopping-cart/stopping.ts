import type { Check } from '../harness/grade-exercise.ts';
import { expectToBeDone, expectToWait } from '../harness/idle.ts';
import { leavesTheConnectionToOthers } from '../harness/others.ts';
import { eventually, expectThat } from '../harness/unmet.ts';
import type { Worker } from '../harness/worker.ts';
import { type Carts, type CartTrial, cartOf, eventsOf, Store, startProjector } from './store.ts';

const LEASE_MS = 300;
const LONG_LEASE_MS = 5000;
const BACKLOG = 2000;
const STOPS = 3;
const BUSY = ['busy-1', 'busy-2', 'busy-3'] as const;

export const stop: Check<Carts> = async (trial) => {
  const fields = ['eventType', 'item:add', 'itemId', 'tea', 'quantity', '1', 'timestamp', '1'];
  for (const userId of BUSY) await trial.fillStream(eventsOf(userId), BACKLOG, ...fields);
  const alice = await trial.hire('alice');
  await stopsInABacklog(trial, alice);
  await trial.redis.flushall();

  const store = new Store(trial);
  await store.recordAdditions(['anna', 'ben'], 3);
  const loop = startProjector(alice, LONG_LEASE_MS);
  await store.cartsAreRight(' once a projector has started');
  await store.allAcknowledged();
  await expectToWait(trial, 'a projector without new events');
  await leavesTheConnectionToOthers(alice);
  await store.recordAdditions(['anna'], 1);
  await store.cartsAreRight(' when one more event comes');
  await store.allAcknowledged();
  await loop.stop();
  await trial.expectConnectionsClosed();

  await trial.redis.flushall();
  await stopsAlone(new Store(trial), alice);
  await startProjector(alice, LONG_LEASE_MS, { aborted: true }).stop();
  await trial.expectConnectionsClosed();

  await trial.redis.flushall();
  const withoutUsers = startProjector(alice, LONG_LEASE_MS);
  await expectToWait(trial, 'a projector without any users');
  await withoutUsers.stop();
  await trial.expectConnectionsClosed();
};

/** Thousands of events wait when it is told to stop: what it has not applied stays for others. */
async function stopsInABacklog(trial: CartTrial, alice: Worker<Carts>): Promise<void> {
  const { redis } = trial;
  const store = new Store(trial);
  const applied = async (userId: string) => Number((await redis.hget(cartOf(userId), 'tea')) ?? 0);
  const appliedInAll = async () => {
    const counts = await Promise.all(BUSY.map(applied));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  for (let round = 1; round <= STOPS; round++) {
    const before = await appliedInAll();
    if (before === BUSY.length * BACKLOG) break; // it was that quick
    const loop = startProjector(alice, LEASE_MS);
    await eventually(async () => (await appliedInAll()) > before, {
      expected: 'a projector to begin with the events that wait',
      happened: 'there is nothing new in the carts',
    });
    await loop.stop();
    await nothingIsLost(store, applied);
  }
  await expectToBeDone(trial, 'a projector');
}

/** What it was given is in the cart, or pending. */
async function nothingIsLost(
  store: Store,
  applied: (userId: string) => Promise<number>,
): Promise<void> {
  const counts = await Promise.all(BUSY.map(applied));
  for (const [index, userId] of BUSY.entries()) {
    const [behind = '0-0', pending] = await Promise.all([
      lastDelivered(store, userId),
      store
        .group(userId)
        .pendingIds()
        .catch(() => []),
    ]);
    const open = new Set(pending);
    const count = counts[index] ?? 0;
    // The ids are 1-1, 1-2, and so on; each adds one.
    const delivered = Number(behind.split('-')[1]);
    const lost = Array.from({ length: delivered }, (_, at) => at + 1).find(
      (number) => number > count && !open.has(`1-${number}`),
    );
    expectThat(lost === undefined, {
      expected: `what a projector was given and has not applied to stay pending when it is stopped, with ${BACKLOG} events waiting: others take it over`,
      happened: `${count} events of ${userId} are in the cart; it was given ${delivered}, and 1-${lost} is pending for nobody: it is lost`,
    });
  }
}

async function lastDelivered(store: Store, userId: string): Promise<string | undefined> {
  return (await store.groupInfo(userId))?.get('last-delivered-id')?.toString();
}

/** Two projectors in one process, on one connection: the one that is stopped does not take the other with it. */
async function stopsAlone(store: Store, worker: Worker<Carts>): Promise<void> {
  await store.recordAdditions(['anna', 'ben', 'carl'], 2);
  const [one, two] = ['one', 'two'].map((name) => startProjector(worker, LEASE_MS, { name }));
  await store.cartsAreRight(' by two projectors in one process');
  await one?.stop();
  await store.recordAdditions(['anna', 'ben', 'carl'], 2);
  await store.cartsAreRight(
    ' when one of two projectors in the same process, on the same redis, was stopped: the other goes on',
  );
  await store.allAcknowledged();
  await two?.stop();
}
