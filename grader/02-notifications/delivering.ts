import { isDeepStrictEqual } from 'node:util';
import type { Check } from '../harness/grade-exercise.ts';
import { Handled } from '../harness/handled.ts';
import {
  acknowledgesAfterwards,
  sharesTheWork,
  survivesACrash,
  waitsAndStops,
} from '../harness/scenarios.ts';
import { eventually, expectThat } from '../harness/unmet.ts';
import { expectUntouched } from '../harness/untouched.ts';
import { NEVER_IDLE_MS } from '../harness/work-queue.ts';
import {
  addNotifications,
  CHANNELS,
  emailQueue,
  groupOf,
  idsFor,
  makeGroups,
  type NewsTrial,
  type Notifications,
  STREAM,
  startNotifier,
} from './newsroom.ts';
import type { Channel, Notification } from './starter.ts';

const RETRY_AFTER_MS = 240;
const FAILURES = 3;

export const deliver: Check<Notifications> = async (trial) => {
  const queue = await emailQueue(trial);
  const early = await addNotifications(trial, 4, 'product_update');
  const alice = await trial.hire('alice');

  const loop = queue.start(alice, NEVER_IDLE_MS);
  await queue.handled.include(early.keys());
  const late = await addNotifications(trial, 4, 'product_update');
  await queue.handled.include(late.keys());
  await queue.group.allAcknowledged();

  for (const [id, notification] of [...early, ...late]) {
    const [call, ...more] = queue.handled.of(id);
    expectThat(more.length === 0, {
      expected: 'each notification to be delivered once',
      happened: `${id} was delivered ${more.length + 1} times`,
      about: { entries: [id] },
    });
    expectThat(isDeepStrictEqual(call?.item, notification), {
      expected: `deliver to be given ${JSON.stringify(notification)}`,
      happened: `it was given ${JSON.stringify(call?.item)}`,
    });
  }
  await loop.end();
};

export const routes: Check<Notifications> = async (trial) => {
  await makeGroups(trial);
  const sent = await addNotifications(trial, 12);

  for (const channel of CHANNELS) {
    const { handled, end } = await startAlone(trial, channel);
    await deliversItsOwn(trial, channel, handled, sent);
    await end();
  }
};

async function deliversItsOwn(
  trial: NewsTrial,
  channel: Channel,
  handled: Handled<Notification>,
  sent: ReadonlyMap<string, Notification>,
): Promise<void> {
  const own = idsFor(channel, sent);
  await handled.include(own);
  await groupOf(trial, channel).allAcknowledged();
  const foreign = handled.calls.find(({ id }) => !own.includes(id));
  expectThat(foreign === undefined, {
    expected: `${channel} to deliver its own notifications only`,
    happened: `it delivered a ${foreign?.item.type}, which goes to ${foreign && describeRoute(sent, foreign.id)}`,
    about: { entries: foreign ? [foreign.id] : [] },
  });
}

export const everyGroup: Check<Notifications> = async (trial) => {
  const { redis } = trial;
  await makeGroups(trial);
  const sent = await addNotifications(trial, 9, 'security_alert');

  // One channel after the other: the second begins when the first has finished with everything.
  for (const channel of CHANNELS) {
    const { handled, end } = await startAlone(trial, channel);
    await handled.include(sent.keys());
    await groupOf(trial, channel).allAcknowledged();
    const twice = [...sent.keys()].find((id) => handled.times(id) !== 1);
    expectThat(twice === undefined, {
      expected: `${channel} to deliver each security_alert once`,
      happened: `${twice} was delivered ${handled.times(twice ?? '')} times`,
      about: { entries: twice ? [twice] : [] },
    });
    await end();
  }
  await expectUntouched(trial, STREAM, 'a channel that comes later will need it');
  const ids = (await redis.xrange(STREAM, '-', '+')).map(([id]) => id);
  expectThat(isDeepStrictEqual(ids, [...sent.keys()]), {
    expected: `the stream to stay as it is, with its ${sent.size} entries`,
    happened: `it has ${ids.length}`,
  });
};

export const stop: Check<Notifications> = async (trial) => waitsAndStops(await alerts(trial));
export const share: Check<Notifications> = async (trial) => sharesTheWork(await alerts(trial));
export const ack: Check<Notifications> = async (trial) =>
  acknowledgesAfterwards(await alerts(trial));
export const crash: Check<Notifications> = async (trial) => survivesACrash(await alerts(trial));

export const retry: Check<Notifications> = async (trial) => {
  const queue = await emailQueue(trial);
  const { handled, group } = queue;
  const sent = await addNotifications(trial, 5, 'product_update');
  const [, bad = ''] = sent.keys();
  const alice = await trial.hire('alice');

  const loop = queue.start(alice, RETRY_AFTER_MS, (id) => {
    if (id === bad && handled.times(bad) <= FAILURES)
      throw new Error('provider is down (a part of the check)');
  });
  await handled.include(sent.keys());
  const [first] = handled.of(bad);
  await handled.includeAgain(
    bad,
    'a delivery that failed to be tried again, although no other worker is there',
  );
  await eventually(() => handled.times(bad) > FAILURES, {
    expected: 'a delivery that has failed several times to be tried again until it succeeds',
    happened: () => `it was tried ${handled.times(bad)} times, and not again`,
    about: { entries: [bad] },
  });
  await group.allAcknowledged();

  const attempts = handled.of(bad);
  const [, second] = attempts;
  const waited = Math.min(
    ...attempts.slice(1).map(({ at }, index) => at - (attempts[index]?.at ?? 0)),
  );
  // Idle time runs from when Redis gave it out, which may be a little before the first attempt.
  expectThat(waited > RETRY_AFTER_MS / 2, {
    expected: `every further attempt to come once the notification has been idle for ${RETRY_AFTER_MS} ms`,
    happened: `it came after ${Math.round(waited)} ms`,
    about: { entries: [bad] },
  });
  expectThat(isDeepStrictEqual(second?.item, first?.item), {
    expected: 'the same notification to be delivered again',
    happened: `first ${JSON.stringify(first?.item)}, then ${JSON.stringify(second?.item)}`,
  });
  const twice = handled.ids.find((id) => id !== bad && handled.times(id) > 1);
  expectThat(twice === undefined, {
    expected: 'only what has failed to be delivered again',
    happened: `${twice} was delivered twice`,
    about: { entries: twice ? [twice] : [] },
  });
  const keys = (await trial.redis.keys(`${STREAM}*`)).filter((key) => key !== STREAM);
  expectThat(keys.length === 0, {
    expected: `keys of your own not to begin with ${STREAM}, as the exercise says`,
    happened: `there is ${keys[0]}`,
  });
  await loop.end();

  // Of every type, and tried often by now, for a channel that is not for all of them.
  const more = await addNotifications(trial, 6);
  const sms = groupOf(trial, 'sms');
  await sms.makeIdle('dead', await sms.leavePending('dead', 100), { deliveries: 12 });
  const { handled: texts, end } = await startAlone(trial, 'sms', RETRY_AFTER_MS);
  await deliversItsOwn(trial, 'sms', texts, new Map([...sent, ...more]));
  await end();
};

export const late: Check<Notifications> = async (trial) => {
  const [email] = await makeGroups(trial, ['email']);
  const sent = await addNotifications(trial, 30);
  const done = (await email?.leavePending('earlier', 1000)) ?? [];
  await email?.acknowledge(...done);

  const { handled, end } = await startAlone(trial, 'sms');

  await handled.include(idsFor('sms', sent));
  await groupOf(trial, 'sms').allAcknowledged();
  await end();
};

export const slow: Check<Notifications> = async (trial) => {
  await makeGroups(trial);
  const process = await trial.hire('everything');
  const handled = new Map<Channel, Handled<Notification>>();
  const loops = CHANNELS.map((channel) => {
    const own = new Handled<Notification>();
    handled.set(channel, own);
    // The push provider takes the first notification, and never answers.
    const work = channel === 'push' ? () => new Promise(() => {}) : undefined;
    return startNotifier(process, channel, NEVER_IDLE_MS, own, work);
  });

  // Nothing is there when they start: all three wait, before the first notification comes.
  for (let round = 0; round < 3; round++) {
    const sent = await addNotifications(trial, 10, 'security_alert');
    for (const channel of ['email', 'sms'] as const) {
      await handled.get(channel)?.include(sent.keys());
      await groupOf(trial, channel).allAcknowledged();
    }
  }
  await handled.get('push')?.includeAny('push to be given notifications too');
  // A channel that is stopped stops alone.
  const [email, sms] = loops;
  await email?.end();
  const later = await addNotifications(trial, 5, 'security_alert');
  await handled.get('sms')?.include(later.keys());
  await sms?.end();
  await process.crash();
};

/** What every channel delivers, worked on by the email channel. */
async function alerts(trial: NewsTrial) {
  const queue = await emailQueue(trial);
  return { ...queue, add: (count: number) => addNotifications(trial, count, 'security_alert') };
}

/** One notifier of a channel, in a process of its own. */
async function startAlone(trial: NewsTrial, channel: Channel, minIdleMs = NEVER_IDLE_MS) {
  const worker = await trial.hire(`${channel}-1`);
  const handled = new Handled<Notification>();
  const loop = startNotifier(worker, channel, minIdleMs, handled);
  return { handled, end: () => loop.end() };
}

function describeRoute(sent: ReadonlyMap<string, Notification>, id: string): string {
  const channels = CHANNELS.filter((channel) => idsFor(channel, sent).includes(id));
  return channels.join(' and ');
}
