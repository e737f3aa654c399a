import { setTimeout as sleep } from 'node:timers/promises';
import { contains } from '../harness/entries.ts';
import { within } from '../harness/fair-clock.ts';
import type { Check } from '../harness/grade-exercise.ts';
import { HandOuts } from '../harness/hand-outs.ts';
import { eventually, expectThat } from '../harness/unmet.ts';
import type { WorkQueue } from '../harness/work-queue.ts';
import { deliversItsOwn, startAlone } from './delivering.ts';
import {
  addNotifications,
  channelQueue,
  emailQueue,
  groupOf,
  idsFor,
  makeGroups,
  type Notifications,
  STREAM,
} from './newsroom.ts';
import type { Notification } from './starter.ts';

const RETRY_AFTER_MS = 400;
/** It may be looked for as late as this, and a look may be a moment late itself. */
const RETRIED_WITHIN_MS = 2 * RETRY_AFTER_MS + 300;
const FAILURES = 3;
const DOWN = 12;
/** All of them together take longer than minIdleMs. */
const DOWN_TAKES_MS = 45;
const NEWS = 5;
const LATE_IDLE_MS = 300;

const fail = () => {
  throw new Error('provider is down (a part of the check)');
};

export const retry: Check<Notifications> = async (trial) => {
  const queue = await emailQueue(trial, 'product_update');
  const { handled, group } = queue;
  const sent = await queue.add(5);
  const [, bad = ''] = sent.keys();
  const outage = outlivesAnOutage(channelQueue(trial, 'push', 'new_follower'));
  // Whoever waits for it hears of it.
  outage.catch(() => {});
  const alice = await trial.hire('alice');
  const handOuts = new HandOuts(group);
  const loop = queue.start(alice, RETRY_AFTER_MS, async (id) => {
    if (id !== bad) return;
    await handOuts.note(id);
    if (handled.times(bad) <= FAILURES) fail();
  });
  await handled.include(sent.keys());

  for (let attempt = 2; attempt <= FAILURES + 1; attempt++) {
    await within(alice, RETRIED_WITHIN_MS, () => handled.times(bad) >= attempt, {
      expected:
        'a delivery that failed to be tried again, also by the same worker and when it fails once more, until it succeeds: at the latest when the notification has been idle for twice minIdleMs',
      happened: `with a minIdleMs of ${RETRY_AFTER_MS} it was tried ${attempt - 1} times, and not again within ${RETRIED_WITHIN_MS} ms`,
      about: { entries: [bad] },
    });
  }
  await group.allAcknowledged();
  await loop.end();
  handOuts.expectApart(bad, RETRY_AFTER_MS);
  expectRetries(queue, bad);
  const keys = (await trial.redis.keys(`${STREAM}*`)).filter((key) => key !== STREAM);
  expectThat(keys.length === 0, {
    expected: `keys of your own not to begin with ${STREAM}, as the exercise says`,
    happened: `there is ${keys[0]}`,
  });

  const { handled: texts, end } = await startAlone(trial, 'sms', RETRY_AFTER_MS);
  // Of every type, and tried often by now, for a channel that is not for all of them.
  const more = await addNotifications(trial, 6);
  const sms = groupOf(trial, 'sms');
  await sms.makeIdle('dead', await sms.leavePending('dead', 100), { deliveries: 12 });
  await deliversItsOwn(trial, 'sms', texts, new Map([...sent, ...more]));
  await end();
  await outage;
};

/** The same each time. */
function expectRetries({ handled }: WorkQueue<Notifications, Notification>, bad: string): void {
  const attempts = handled.of(bad);
  const [first, second] = attempts;
  expectThat(contains(second?.item, Object(first?.item)), {
    expected: 'the same notification to be delivered again',
    happened: `first ${JSON.stringify(first?.item)}, then ${JSON.stringify(second?.item)}`,
  });
}

/** A provider is down, and slow to say so; one notification will never get through. What is new gets through all the same, and in the end the rest. */
async function outlivesAnOutage(queue: WorkQueue<Notifications, Notification>): Promise<void> {
  const { trial, handled, group } = queue;
  const ids = [...(await queue.add(DOWN)).keys()];
  const [stuck = '', ...delayed] = ids;
  let down = true;
  const handOuts = new HandOuts(group);
  const provider = async (id: string) => {
    // What it held at its start it may try at once, and then once.
    if (id === stuck && !down) await handOuts.note(id);
    if (!ids.includes(id) || !(down || id === stuck)) return;
    if (id !== stuck) await sleep(DOWN_TAKES_MS);
    fail();
  };
  const [dora, again] = await trial.hireAll('dora', 'dora');
  queue.start(dora, RETRY_AFTER_MS, provider);
  await handled.include(ids);
  const news = [...(await queue.add(NEWS)).keys()];
  const open = (wanted: readonly string[]) =>
    wanted.filter((id) => !handled.of(id).some(({ done }) => done)).length;
  await eventually(() => open(news) === 0, {
    expected: 'what is new to be delivered while others fail again and again',
    happened: () =>
      `${open(news)} of ${NEWS} were not; the retries go on: ${handled.calls.length} attempts`,
  });

  // It is killed, and starts again under its name: whatever it had only in its memory is gone.
  await dora.crash();
  down = false;
  const loop = queue.start(again, RETRY_AFTER_MS, provider);
  await eventually(
    () => open(delayed) === 0,
    {
      expected: `everything that has failed to be delivered when the provider is up again, also by a worker that was killed and started again, and although ${stuck}, the first one, still fails`,
      happened: () => `${open(delayed)} of ${delayed.length} were not`,
    },
    () => -open(delayed),
  );
  await eventually(async () => (await group.pendingIds()).every((id) => id === stuck), {
    expected: `everything but ${stuck} to be acknowledged`,
    happened: async () => `pending: ${(await group.pendingIds()).join(', ')}`,
  });
  await loop.end();
  handOuts.expectApart(stuck, RETRY_AFTER_MS);
  expectThat((await group.pendingIds()).includes(stuck), {
    expected: `${stuck}, which was never delivered, to stay pending`,
    happened: 'it was acknowledged',
  });
}

export const late: Check<Notifications> = async (trial) => {
  const [email] = await makeGroups(trial, ['email']);
  const sent = await addNotifications(trial, 30);
  const done = (await email?.leavePending('earlier', 1000)) ?? [];
  await email?.acknowledge(...done);

  const own = idsFor('sms', sent);
  const [first = ''] = own;
  const { handled, end } = await startAlone(trial, 'sms', LATE_IDLE_MS, (id) => {
    if (id === first && handled.times(first) === 1) fail();
  });

  await handled.complete(own);
  await groupOf(trial, 'sms').allAcknowledged();
  await end();
};
