import { setTimeout as sleep } from 'node:timers/promises';
import type { Check } from '../harness/grade-exercise.ts';
import { expectThat } from '../harness/unmet.ts';
import type { Worker } from '../harness/worker.ts';
import { calmly } from './patience.ts';
import { stepByStep } from './stepping.ts';
import { add, type Carts, type CartTrial, cartOf, Store, startProjector } from './store.ts';

const LEASE_MS = 400;
const STEPS = 6;
const FAITHFUL_ROUNDS = 12;
const PAUSES = 14;
const SETTLED_WITHIN_MS = 300;
/** As the exercise says of what a rebuild takes for itself. */
const LOCKED_NO_LONGER_THAN_MS = 8000;

export const rebuildLive: Check<Carts> = async (trial) => {
  const store = new Store(trial);
  const users = Array.from({ length: 12 }, (_, index) => `user-${index}`);
  const [alice, bob, shop, other] = await trial.hireAll('alice', 'bob', 'shop', 'other');

  await rebuildBeforeAnybodyRuns(trial, store, shop);
  await store.recordMany(users, 40);
  // Somebody has spoilt these hashes, before a projector has seen them.
  await Promise.all(users.map((userId) => trial.redis.hset(cartOf(userId), { ghost: 7 })));
  const loops = [alice, bob].map((worker) => startProjector(worker, LEASE_MS));
  await store.allAcknowledged();
  await rebuildWithPauses(trial, store, shop);

  // Events come all the time, and the carts are rebuilt again and again meanwhile.
  let shopping = true;
  const events = store.recordMany(users, FAITHFUL_ROUNDS).finally(() => {
    shopping = false;
  });
  while (shopping) await shop.call.rebuildCarts();
  await events;
  await store.allAcknowledged();
  await store.cartsAreRight(' after rebuilds while projectors ran and events arrived');

  // Whether new users are found at all is judged elsewhere.
  await store.record('new-1', add('tea', 2));
  const findsNew = await calmly(2000, async () => (await store.wrongCart(['new-1'])) === undefined);
  await stepByStep(
    trial,
    other,
    2,
    () => other.call.rebuildCarts(),
    async (step) => {
      if (step === 2) await other.crash();
    },
  );
  await goesOnAfterAKilledRebuild(store, shop, findsNew ? 'new-2' : 'user-0');
  await Promise.all(loops.map((loop) => loop.end()));
};

/** What comes between the steps of a rebuild waits for a projector: nobody may say that it has been read. */
async function rebuildBeforeAnybodyRuns(
  trial: CartTrial,
  store: Store,
  shop: Worker<Carts>,
): Promise<void> {
  const early = ['early-1', 'early-2', 'early-3'];
  await store.recordMany(early, 10);
  await Promise.all(early.map((userId) => store.group(userId).create()));
  const meanwhile = () => store.recordAdditions(early, 1);
  await stepByStep(trial, shop, STEPS, () => shop.call.rebuildCarts(), meanwhile);
  const projector = await trial.hire('early');
  const loop = startProjector(projector, LEASE_MS);
  await store.allAcknowledged();
  await store.cartsAreRight(
    ' once a projector has started, after events came in during a rebuild: in it or behind it, and not lost between the two',
  );
  await loop.end();
}

/** Somebody who rebuilds is paused (SIGSTOP), at any moment, while projectors go on; and all is right when the call returns. */
async function rebuildWithPauses(
  trial: CartTrial,
  store: Store,
  shop: Worker<Carts>,
): Promise<void> {
  const start = performance.now();
  await shop.call.rebuildCarts();
  await store.cartsAreRightNow(' when rebuildCarts returns');
  const usual = performance.now() - start;
  await store.recordAdditions(store.users, 1);
  await store.allAcknowledged();
  await store.cartsAreRight(
    ' when more events come after a rebuild by another process: what was wrong before it does not come back',
  );
  for (let round = 1; round <= PAUSES; round++) {
    const rebuilt = shop.call.rebuildCarts();
    rebuilt.catch(() => {});
    await sleep(trial.random.between(0, Math.max(2, Math.min(usual, 40))));
    await shop.pause();
    await store.recordAdditions(store.users, 1);
    const isSettled = async () => (await store.firstOpen()) === undefined;
    // Whoever keeps projectors away while a rebuild goes on has settled nothing by now.
    const settled = await calmly(SETTLED_WITHIN_MS, isSettled);
    await shop.resume();
    await rebuilt;
    if (!settled) await store.allAcknowledged();
    await store.cartsAreRightNow(
      ' when rebuildCarts returns, also when it was paused in its work, and projectors have applied more events meanwhile',
    );
  }
}

/** What somebody has taken for a rebuild, and did not live to give back, is not in anybody's way. */
async function goesOnAfterAKilledRebuild(
  store: Store,
  shop: Worker<Carts>,
  userId: string,
): Promise<void> {
  await store.record(userId, add('tea', 2));
  const hasCart = async () => (await store.wrongCart([userId])) === undefined;
  expectThat(await calmly(LOCKED_NO_LONGER_THAN_MS, hasCart), {
    expected: `a new event of ${userId} to get into the cart after somebody was killed in the middle of rebuildCarts`,
    happened: `nobody has applied it in ${LOCKED_NO_LONGER_THAN_MS / 1000} seconds: a lock without an end?`,
  });
  let rebuilt = false;
  const rebuilding = shop.call.rebuildCarts().then(() => {
    rebuilt = true;
  });
  rebuilding.catch(() => {
    rebuilt = true;
  });
  expectThat(await calmly(LOCKED_NO_LONGER_THAN_MS, () => rebuilt), {
    expected:
      'rebuildCarts to do its work after somebody else was killed in the middle of a rebuild',
    happened: `it has not returned after ${LOCKED_NO_LONGER_THAN_MS / 1000} seconds: a lock without an end?`,
  });
  await rebuilding;
  await store.cartsAreRight(' after a rebuild by another, when the one before was killed');
}
