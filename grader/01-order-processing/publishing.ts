import { isDeepStrictEqual } from 'node:util';
import { expectEntries } from '../harness/entries.ts';
import type { Check } from '../harness/grade-exercise.ts';
import { Group } from '../harness/group.ts';
import { refusal } from '../harness/refusal.ts';
import { expectThat } from '../harness/unmet.ts';
import { withoutPermission } from '../harness/without-permission.ts';
import {
  addOrders,
  GROUP,
  makeGroup,
  makeOrders,
  type Orders,
  SOME_ORDER,
  STREAM,
} from './shop.ts';

const KEPT = 10_000;
const SLACK = 200;
const BACKLOG = 10_400;

export const publish: Check<Orders> = async (trial) => {
  const shop = await trial.hire('shop');
  const orders = makeOrders(trial, 40);

  const ids = await Promise.all(orders.map((order) => shop.call.publishOrder(order)));

  await expectEntries(trial.redis, STREAM, 'publishOrder', ids, orders);
};

export const trim: Check<Orders> = async (trial) => {
  const { redis } = trial;
  await trial.fillStream(STREAM, BACKLOG, ...SOME_ORDER);
  const shop = await trial.hire('shop');
  const orders = makeOrders(trial, 120);

  const ids = await Promise.all(orders.map((order) => shop.call.publishOrder(order)));

  const length = await redis.xlen(STREAM);
  expectThat(length >= KEPT && length <= KEPT + SLACK, {
    expected: `10,000 entries, or up to ${SLACK} more (with ~), once more than that were published`,
    happened: `${BACKLOG} were there, ${ids.length} were published, and ${length} are left`,
  });
  const newest = new Set((await redis.xrevrange(STREAM, '+', '-', 'COUNT', 120)).map(([id]) => id));
  expectThat(
    ids.every((id) => newest.has(id)),
    {
      expected: 'the newest orders to stay',
      happened: 'some of those that were just published are gone',
    },
  );
};

export const group: Check<Orders> = async (trial) => {
  const { redis } = trial;
  const worker = await trial.hire('alice');
  const orders = await addOrders(trial, 5);

  await worker.call.createGroup();

  const orderProcessors = new Group(redis, STREAM, GROUP);
  const seen = await orderProcessors
    .leavePending('probe', 100)
    .catch((error: Error) => error.message);
  expectThat(isDeepStrictEqual(seen, [...orders.keys()]), {
    expected: `a group ${GROUP} that is given the 5 orders that were there before it`,
    happened: Array.isArray(seen) ? `it was given ${seen.length} of them` : `Redis says: ${seen}`,
  });

  await redis.flushall();
  const error = await refusal(worker.call.createGroup());
  expectThat(error === undefined, {
    expected: 'createGroup to work on an empty database, where the stream does not exist yet',
    happened: `it threw: ${error}`,
  });
  await addOrders(trial, 2);
  const later = await orderProcessors
    .leavePending('probe', 100)
    .catch((error: Error) => error.message);
  expectThat(Array.isArray(later) && later.length === 2, {
    expected: 'orders that come after it to reach the group too',
    happened: Array.isArray(later) ? `${later.length} of 2 did` : `Redis says: ${later}`,
  });
};

export const groupAgain: Check<Orders> = async (trial) => {
  const { redis } = trial;
  const workers = await trial.hireAll('alice', 'bob');
  const [alice] = workers;
  await addOrders(trial, 5);
  const orderProcessors = await makeGroup(trial);
  const [first = ''] = await orderProcessors.leavePending('probe', 3);
  await orderProcessors.acknowledge(first);
  const groups = async () => JSON.stringify(await redis.xinfo('GROUPS', STREAM));
  const before = await groups();

  const several = () => workers.flatMap(({ call }) => [call.createGroup(), call.createGroup()]);
  const firstError = async () => {
    const errors = await Promise.all(several().map((call) => refusal(call)));
    return errors.find((message) => message !== undefined);
  };
  const error = await firstError();
  expectThat(error === undefined, {
    expected: 'createGroup to return normally when the group exists already',
    happened: `it threw: ${error}`,
  });
  const after = await groups();
  expectThat(after === before, {
    expected: `the group to stay as it was: ${before}`,
    happened: `now it is ${after}`,
  });

  for (let round = 0; round < 5; round++) {
    await redis.xgroup('DESTROY', STREAM, GROUP);
    const collision = await firstError();
    expectThat(collision === undefined, {
      expected: 'createGroup to return normally when several workers call it at the same moment',
      happened: `it threw: ${collision}`,
    });
  }

  const denied = await withoutPermission(trial, 'xgroup|create', () =>
    refusal(alice.call.createGroup()),
  );
  expectThat(denied !== undefined, {
    expected: 'errors other than BUSYGROUP to be passed on, for example NOPERM',
    happened: 'the server refused XGROUP CREATE, and createGroup returned as if all were well',
  });
  await redis.del(STREAM);
  await redis.set(STREAM, 'this is no stream');
  const wrongType = await refusal(alice.call.createGroup());
  expectThat(wrongType?.includes('WRONGTYPE') === true, {
    expected: 'errors other than BUSYGROUP to be passed on, for example WRONGTYPE',
    happened:
      wrongType === undefined
        ? `${STREAM} was a string, and createGroup returned as if all were well`
        : `it threw: ${wrongType}`,
  });
};
