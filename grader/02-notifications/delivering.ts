import { isDeepStrictEqual } from 'node:util';
import { contains } from '../harness/entries.ts';
import type { Check } from '../harness/grade-exercise.ts';
import { Handled } from '../harness/handled.ts';
import { leavesTheConnectionToOthers } from '../harness/others.ts';
import { acknowledgesAfterwards } from '../harness/scenarios/acknowledging.ts';
import { survivesACrash } from '../harness/scenarios/crashing.ts';
import { leavesWhatHangs } from '../harness/scenarios/hanging.ts';
import { sharesTheWork } from '../harness/scenarios/sharing.ts';
import { waitsAndStops } from '../harness/scenarios/stopping.ts';
import { bearsTheUnexpected } from '../harness/scenarios/unexpected.ts';
import { eventually, expectThat } from '../harness/unmet.ts';
import { expectUntouched } from '../harness/untouched.ts';
import { NEVER_IDLE_MS, type Work } from '../harness/work-queue.ts';
import {
  addNotifications,
  CHANNELS,
  DEAD_LETTERS,
  emailQueue,
  groupOf,
  idsFor,
  makeGroups,
  type NewsTrial,
  type Notifications,
  noNotifications,
  STREAM,
  startNotifier,
} from './newsroom.ts';
import type { Channel, Notification } from './starter.ts';

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
    expectThat(contains(call?.item, notification), {
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

export async function deliversItsOwn(
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

export const stop: Check<Notifications> = async (trial) => {
  const queue = await alerts(trial);
  await waitsAndStops(queue);
  await leavesWhatHangs(queue, await trial.hire('carol'));
};
export const share: Check<Notifications> = async (trial) => sharesTheWork(await alerts(trial));
export const ack: Check<Notifications> = async (trial) =>
  acknowledgesAfterwards(await alerts(trial));
export const crash: Check<Notifications> = async (trial) => survivesACrash(await alerts(trial));

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
  await leavesTheConnectionToOthers(process);
  // A channel that is stopped stops alone.
  const [email, sms] = loops;
  await email?.end();
  const later = await addNotifications(trial, 5, 'security_alert');
  await handled.get('sms')?.include(later.keys());
  await sms?.end();
  await process.crash();
};

export const unexpected: Check<Notifications> = async (trial) => {
  await bearsTheUnexpected(await alerts(trial), {
    deadLetters: DEAD_LETTERS,
    entries: noNotifications(trial),
    more: { channel: 'email' },
  });
  await putsAsideItsOwn(trial);
};

/** What is for no channel at all, each channel puts aside; what is for another one is none of its business. */
async function putsAsideItsOwn(trial: NewsTrial): Promise<void> {
  const { redis } = trial;
  const forAll = String(await redis.xadd(STREAM, '*', 'type', 'security_alert', 'userId', 'u'));
  const forEmail = String(await redis.xadd(STREAM, '*', 'type', 'product_update', 'userId', 'u'));
  const letters = async (channel: Channel) =>
    (await redis.xrange(DEAD_LETTERS, '-', '+'))
      .map(([, fields]) => fields)
      .filter((fields) => fields.includes(channel))
      .flat();
  for (const channel of ['email', 'sms'] as const) {
    const { end } = await startAlone(trial, channel);
    await eventually(async () => (await letters(channel)).includes(forAll), {
      expected: `each channel to put aside what is no notification, also when another channel has done so`,
      happened: `${forAll} has no message, and ${channel} has not put it aside`,
      about: { entries: [forAll] },
    });
    await groupOf(trial, channel).allAcknowledged();
    await end();
  }
  expectThat(!(await letters('sms')).includes(forEmail), {
    expected: 'what is for other channels by its type to be acknowledged, whatever else is in it',
    happened: `${forEmail} is a product_update, which does not concern sms, and sms has put it aside`,
    about: { entries: [forEmail] },
  });
}

/** What every channel delivers, worked on by the email channel. */
function alerts(trial: NewsTrial) {
  return emailQueue(trial, 'security_alert');
}

/** One notifier of a channel, in a process of its own. */
export async function startAlone(
  trial: NewsTrial,
  channel: Channel,
  minIdleMs = NEVER_IDLE_MS,
  work?: Work,
) {
  const worker = await trial.hire(`${channel}-1`);
  const handled = new Handled<Notification>();
  const loop = startNotifier(worker, channel, minIdleMs, handled, work);
  return { handled, end: () => loop.end() };
}

function describeRoute(sent: ReadonlyMap<string, Notification>, id: string): string {
  const channels = CHANNELS.filter((channel) => idsFor(channel, sent).includes(id));
  return channels.join(' and ');
}
