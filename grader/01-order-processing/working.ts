import { isDeepStrictEqual } from 'node:util';
import type { Check } from '../harness/grade-exercise.ts';
import {
  acknowledgesAfterwards,
  sharesTheWork,
  survivesACrash,
  waitsAndStops,
} from '../harness/scenarios.ts';
import { check } from '../harness/unmet.ts';
import { NEVER_IDLE_MS } from '../harness/work-queue.ts';
import { type Orders, orderLine, STREAM } from './shop.ts';

const EARLIER = 1300;

export const work: Check<Orders> = async (trial) => {
  // Orders that were done with long ago. They are nobody's work any more, and stay.
  await trial.fillStream(STREAM, EARLIER, 'productId', 'Tea', 'userId', 'u', 'quantity', '1');
  const line = await orderLine(trial);
  await line.group.skipAll();
  const early = await line.add(6);
  const alice = await trial.hire('alice');

  const loop = line.start(alice, NEVER_IDLE_MS);
  await line.handled.include(early.keys());
  const late = await line.add(6);
  await line.handled.include(late.keys());
  await line.group.allAcknowledged();

  for (const [id, order] of [...early, ...late]) {
    const [call, ...more] = line.handled.of(id);
    check(more.length === 0, {
      expected: 'each order to be handled once',
      happened: `order ${id} was handled ${more.length + 1} times`,
    });
    check(isDeepStrictEqual(call?.item, order), {
      expected: `the handler to be given ${JSON.stringify(order)}`,
      happened: `it was given ${JSON.stringify(call?.item)}`,
    });
  }
  const length = await trial.redis.xlen(STREAM);
  check(length === EARLIER + 12, {
    expected: `the 12 orders, and ${EARLIER} from before them, to stay in the stream: it keeps the newest 10,000`,
    happened: `${length} are left`,
  });
  await loop.end();
};

export const ack: Check<Orders> = async (trial) => acknowledgesAfterwards(await orderLine(trial));
export const share: Check<Orders> = async (trial) => sharesTheWork(await orderLine(trial));
export const stop: Check<Orders> = async (trial) => waitsAndStops(await orderLine(trial));
export const crash: Check<Orders> = async (trial) => survivesACrash(await orderLine(trial));
