import { expectAddedFirst } from '../dead-letters.ts';
import { contains, recordOf } from '../entries.ts';
import { whilePassing } from '../fair-clock.ts';
import { Latch } from '../handled.ts';
import { holdingWrites } from '../hold-writes.ts';
import type { Spoilt } from '../spoilt.ts';
import { eventually, expectThat } from '../unmet.ts';
import { an, type WorkQueue } from '../work-queue.ts';
import type { Worker } from '../worker.ts';
import { NAMES, SHORT_IDLE_MS } from './scenario.ts';

const IDLE_MS = 900;
const BACKLOG = 30;
const FEW = 5;

/** Entries that are none, and where they have to go. */
export interface Unreadable {
  /** The stream for what is put aside. */
  readonly deadLetters: string;
  readonly entries: readonly Spoilt[];
  /** Fields that each of them gets, beside its own, `originalId` and `reason`. */
  readonly more: Readonly<Record<string, string>>;
}

/** What nobody has expected stops nobody: no group at the start, entries that are none, a stream, a group, a consumer that vanish. */
export async function bearsTheUnexpected<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  unreadable: Unreadable,
): Promise<void> {
  const { trial, group, handled, what } = queue;
  const { redis, stream } = group;
  await redis.del(stream);
  const workers = await trial.hireAll(...NAMES);
  const waiting = [...(await queue.add(BACKLOG)).keys()];

  // None of them finds a group, and all three make it in the same instant.
  const loops = await holdingWrites(trial, workers.length, () =>
    workers.map((worker) => queue.start(worker, IDLE_MS)),
  );
  await handled.include(waiting);
  await group.allAcknowledged();
  const twice = waiting.filter((id) => handled.times(id) > 1);
  expectThat(twice.length === 0, {
    expected: `each ${what} to be handled once when three workers start in the same instant, and none of them finds a group`,
    happened: `${twice.length} of ${BACKLOG} were handled more than once, for example ${twice[0]}`,
    about: { entries: twice.slice(0, 1) },
  });
  await putsAside(queue, unreadable);

  for (const [vanished, vanish] of Object.entries({
    [`the stream ${stream}`]: () => redis.del(stream),
    [`the group ${group.name}`]: () => redis.xgroup('DESTROY', stream, group.name),
    'the consumers alice, bob and carol': () =>
      Promise.all(NAMES.map((name) => redis.xgroup('DELCONSUMER', stream, group.name, name))),
  })) {
    // In one go: what comes then is there before anybody can make a group again.
    const [, added] = await Promise.all([vanish(), queue.add(FEW)]);
    const ids = [...added.keys()];
    const open = () => ids.filter((id) => handled.times(id) === 0).length;
    await eventually(() => open() === 0, {
      expected: `workers to go on when ${vanished} vanished while they were waiting: what comes after that is handled`,
      happened: () => `${open()} of the next ${FEW} were not`,
      about: { entries: ids },
    });
    await group.allAcknowledged();
  }
  await Promise.all(loops.map((loop) => loop.end()));
  await comesBackToNothing(queue, workers[0]);
}

/** The stream vanishes while a handler runs, and it is time to look for what others have left: nobody is waiting in it then. */
async function comesBackToNothing<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  worker: Worker<Submission>,
): Promise<void> {
  const { group, handled, what } = queue;
  const inHand = new Latch();
  const before = handled.calls.length;
  await queue.add(1);
  const loop = queue.start(worker, SHORT_IDLE_MS, () => inHand.opened);
  await eventually(() => handled.calls.length > before, {
    expected: `${an(what)} to reach the handler`,
    happened: 'none did',
  });
  await group.redis.del(group.stream);
  await whilePassing(worker, SHORT_IDLE_MS);
  inHand.open();
  const ids = [...(await queue.add(FEW)).keys()];
  const goesOn = (after: readonly string[], when: string) =>
    eventually(() => after.every((id) => handled.times(id) > 0), {
      expected: `a worker to go on when ${group.stream} has vanished ${when}`,
      happened: () =>
        `${after.filter((id) => handled.times(id) === 0).length} of the next ${FEW} were not handled`,
      about: { entries: after },
    });
  await goesOn(ids, 'while its handler was running');
  const [, again] = await Promise.all([group.redis.del(group.stream), queue.add(FEW)]);
  await goesOn([...again.keys()], 'once more');
  await loop.end();
}

/** Half of what cannot be read comes as news, half was left by a dead worker. */
async function putsAside<Submission, Item>(
  queue: WorkQueue<Submission, Item>,
  { deadLetters, entries, more }: Unreadable,
): Promise<void> {
  const { group, handled, what } = queue;
  const { redis, stream } = group;
  const added = new Map<string, Spoilt>();
  const good: string[] = [];
  for (const entry of entries) {
    added.set(String(await redis.xadd(stream, '*', ...entry.fields)), entry);
    good.push(...(await queue.add(1)).keys());
  }
  const ids = [...added.keys()];
  await handled.include(good);
  await group.makeIdle(
    'dead',
    ids.filter((_, place) => place % 4 === 3),
  );
  const aside = async () => {
    const found = await redis.xrange(deadLetters, '-', '+').catch(() => []);
    return found.map(([, fields]) => recordOf(fields));
  };
  const missing = async () => {
    const known = new Set((await aside()).map(({ originalId }) => originalId));
    return ids.filter((id) => !known.has(id));
  };
  await eventually(async () => (await missing()).length === 0, {
    expected: `what is no ${what} to be put aside in ${deadLetters}, with its originalId`,
    happened: async () => {
      const [id = '', ...others] = await missing();
      const seen = handled.times(id) > 0 ? `it reached a handler` : 'it is not there';
      return `${id} ${added.get(id)?.wrong}: ${seen}${others.length > 0 ? `; and ${others.length} more` : ''}`;
    },
    about: async () => ({ entries: (await missing()).slice(0, 1) }),
  });
  await group.allAcknowledged();
  await expectAddedFirst(queue.trial, stream, deadLetters, ids);
  const letters = await aside();
  for (const [id, { fields, wrong }] of added) {
    const letter = letters.find(({ originalId }) => originalId === id) ?? {};
    expectThat(handled.times(id) === 0, {
      expected: `no handler to see what is no ${what}`,
      happened: `${id} ${wrong}, and reached one`,
      about: { entries: [id] },
    });
    const wanted = { ...recordOf(fields), originalId: id, ...more };
    expectThat(contains(letter, wanted) && Boolean(letter.reason?.trim()), {
      expected: `${id} to have in ${deadLetters} its fields, originalId${Object.keys(more).map((name) => `, ${name}`)} and a reason: ${JSON.stringify(wanted)}`,
      happened: `it has ${JSON.stringify(letter)}`,
    });
  }
}
