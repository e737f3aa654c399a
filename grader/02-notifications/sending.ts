import { isDeepStrictEqual } from 'node:util';
import type { Redis } from 'ioredis';
import { expectEntries } from '../harness/entries.ts';
import type { Check } from '../harness/grade-exercise.ts';
import { refusal } from '../harness/refusal.ts';
import { expectThat } from '../harness/unmet.ts';
import { expectUntouched } from '../harness/untouched.ts';
import { withoutPermission } from '../harness/without-permission.ts';
import {
  addNotifications,
  CHANNELS,
  groupOf,
  makeGroups,
  makeNotifications,
  type NewsTrial,
  type Notifications,
  STREAM,
} from './newsroom.ts';
import type { Channel } from './starter.ts';

const FILLED = 12_000;

export const send: Check<Notifications> = async (trial) => {
  const sender = await trial.hire('sender');
  const notifications = makeNotifications(trial, 30);

  const ids = await Promise.all(notifications.map((one) => sender.call.sendNotification(one)));

  await expectEntries(trial.redis, STREAM, 'sendNotification', ids, notifications);
};

export const keep: Check<Notifications> = async (trial) => {
  const { redis } = trial;
  await trial.fillStream(
    STREAM,
    FILLED,
    'userId',
    'u',
    'type',
    'product_update',
    'message',
    'm',
    'timestamp',
    '1',
  );
  const sender = await trial.hire('sender');

  await Promise.all(makeNotifications(trial, 20).map((one) => sender.call.sendNotification(one)));

  const length = await redis.xlen(STREAM);
  expectThat(length === FILLED + 20, {
    expected: `all ${FILLED + 20} notifications to be there: a slow channel still needs the first one`,
    happened: `${length} are left`,
  });
  await expectUntouched(trial, STREAM, 'the slowest channel still needs it');
};

export const groups: Check<Notifications> = async (trial) => {
  const worker = await trial.hire('alice');
  const sent = await addNotifications(trial, 6);

  await worker.call.createGroups();
  await expectGroupsToSee(trial, sent.size);

  await trial.redis.flushall();
  const error = await refusal(worker.call.createGroups());
  expectThat(error === undefined, {
    expected: 'createGroups to work on an empty database, where the stream does not exist yet',
    happened: `it threw: ${error}`,
  });
  await addNotifications(trial, 2);
  await expectGroupsToSee(trial, 2);
};

/** Each group is given so many entries when one of its consumers reads all there is. */
async function expectGroupsToSee(trial: NewsTrial, count: number): Promise<void> {
  for (const channel of CHANNELS) await expectGroupToSee(trial, channel, count);
}

async function expectGroupToSee(trial: NewsTrial, channel: Channel, count: number): Promise<void> {
  const group = groupOf(trial, channel);
  const seen = await group.leavePending('probe', 1000).catch((error: Error) => error.message);
  expectThat(Array.isArray(seen) && seen.length === count, {
    expected: `${group.name} to be given all ${count} notifications that were sent`,
    happened: Array.isArray(seen) ? `it was given ${seen.length}` : `Redis says: ${seen}`,
  });
}

export const groupsAgain: Check<Notifications> = async (trial) => {
  const { redis } = trial;
  const workers = await trial.hireAll('alice', 'bob');
  await addNotifications(trial, 5);
  // Whichever of them exists: the others are made all the same.
  for (const existing of CHANNELS) {
    await redis.xgroup('DESTROY', STREAM, groupOf(trial, 'email').name);
    await redis.xgroup('DESTROY', STREAM, groupOf(trial, 'sms').name);
    await redis.xgroup('DESTROY', STREAM, groupOf(trial, 'push').name);
    const [group] = await makeGroups(trial, [existing]);
    const [first = ''] = (await group?.leavePending('probe', 3)) ?? [];
    await group?.acknowledge(first);
    const before = await describeGroup(redis, group?.name ?? '');

    const calls = workers.map(({ call }) => refusal(call.createGroups()));
    const error = (await Promise.all(calls)).find((message) => message !== undefined);

    expectThat(error === undefined, {
      expected: `createGroups to return normally when ${group?.name} exists already`,
      happened: `it threw: ${error}`,
    });
    const names = await groupNames(redis);
    expectThat(names.length === CHANNELS.length, {
      expected: `the other two groups to be made when only ${group?.name} is there`,
      happened: `the groups are ${names.join(', ')}`,
    });
    const after = await describeGroup(redis, group?.name ?? '');
    expectThat(isDeepStrictEqual(after, before), {
      expected: `${group?.name} to stay as it was: ${before}`,
      happened: `now it is ${after}`,
    });
    for (const channel of CHANNELS) {
      if (channel !== existing) await expectGroupToSee(trial, channel, 5);
    }
  }

  for (let round = 0; round < 5; round++) {
    for (const channel of CHANNELS) {
      await redis.xgroup('DESTROY', STREAM, groupOf(trial, channel).name);
    }
    const calls = workers.flatMap(({ call }) => [call.createGroups(), call.createGroups()]);
    const errors = await Promise.all(calls.map((one) => refusal(one)));
    const collision = errors.find((message) => message !== undefined);
    expectThat(collision === undefined, {
      expected: 'createGroups to return normally when several workers call it at the same moment',
      happened: `it threw: ${collision}`,
    });
  }

  const denied = await withoutPermission(trial, 'xgroup|create', () =>
    refusal(workers[0].call.createGroups()),
  );
  expectThat(denied !== undefined, {
    expected: 'errors other than BUSYGROUP to be passed on, for example NOPERM',
    happened: 'the server refused XGROUP CREATE, and createGroups returned as if all were well',
  });
  await redis.del(STREAM);
  await redis.set(STREAM, 'this is no stream');
  const wrongType = await refusal(workers[0].call.createGroups());
  expectThat(wrongType?.includes('WRONGTYPE') === true, {
    expected: 'errors other than BUSYGROUP to be passed on, for example WRONGTYPE',
    happened:
      wrongType === undefined
        ? `${STREAM} was a string, and createGroups returned as if all were well`
        : `it threw: ${wrongType}`,
  });
};

async function groupNames(redis: Redis): Promise<string[]> {
  const groups = await readGroups(redis);
  return groups.map((group) => String(group[1]));
}

async function describeGroup(redis: Redis, name: string): Promise<string> {
  const groups = await readGroups(redis);
  return JSON.stringify(groups.find((group) => group[1] === name) ?? null);
}

/** XINFO GROUPS: for each group a list of names and values in turn, of which its name is the first. */
async function readGroups(redis: Redis): Promise<unknown[][]> {
  const reply: unknown = await redis.xinfo('GROUPS', STREAM);
  return Array.isArray(reply) ? reply.filter(Array.isArray) : [];
}
