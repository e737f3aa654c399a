import type { Redis } from 'ioredis';
import { asRecords } from '../../system/redis/xinfo.ts';
import type { Deed, Diary } from './diary.ts';
import { unescaped } from './escaped.ts';
import type { Recorded } from './recorder.ts';

const MANY_KEYS = 10_000;

/** What is known of a check, to tell what became of an entry. */
export interface Evidence {
  readonly redis: Redis;
  readonly diary: Diary;
  readonly commands: readonly Recorded[];
  /** The workers that were hired, by their names. */
  readonly workers: readonly string[];
}

const PAST: Partial<Record<Deed, string>> = {
  'is killed': 'was killed',
  'is paused': 'was paused',
  returns: 'returned',
  fails: 'ended with an error',
};

interface Holding {
  readonly group: string;
  readonly consumer: string;
  readonly deliveries: number;
}

/**
 * Where an entry is, in words: who holds it, how often it was delivered, and what became of its holder; or who has acknowledged it.
 *
 * @returns undefined when nothing can be said of it
 */
export async function whereIs(id: string, evidence: Evidence): Promise<string | undefined> {
  const { redis } = evidence;
  const [, streams] = await redis.scan('0', 'COUNT', MANY_KEYS, 'TYPE', 'stream');
  const said: string[] = [];
  for (const stream of streams.toSorted()) {
    const isThere = (await redis.xrange(stream, id, id)).length > 0;
    for (const group of asRecords(await redis.xinfo('GROUPS', stream))) {
      const name = String(group.get('name'));
      const holding = await holdingOf(redis, stream, name, id);
      if (holding) said.push(inWords(holding, evidence));
      else if (isThere && isBefore(String(group.get('last-delivered-id')), id)) {
        said.push(`the group ${name} was never given it`);
      }
    }
  }
  if (said.length > 0) return said.slice(0, 2).join(', ');
  return acknowledgement(id, evidence);
}

async function holdingOf(
  redis: Redis,
  stream: string,
  group: string,
  id: string,
): Promise<Holding | undefined> {
  const reply: unknown = await redis.xpending(stream, group, id, id, 1);
  const [line]: unknown[] = Array.isArray(reply) ? reply : [];
  if (!Array.isArray(line)) return undefined;
  return { group, consumer: String(line[1]), deliveries: Number(line[3]) };
}

function inWords({ consumer, deliveries }: Holding, { diary, workers }: Evidence): string {
  const times = deliveries === 1 ? 'once' : `${deliveries} times`;
  const holds = `${consumer} holds it, delivered ${times}`;
  if (!workers.includes(consumer)) return `${holds}; no ${consumer} is at work`;
  const fate = diary.fateOf(consumer);
  if (!fate) return holds;
  return `${holds}; ${consumer} ${PAST[fate.deed] ?? fate.deed} at ${Math.round(fate.at)} ms`;
}

function acknowledgement(id: string, { commands, diary }: Evidence): string | undefined {
  const sent = commands.find(
    ({ args: [command = '', ...values] }) =>
      /^x(ack|ackdel)$/i.test(command) && values.some((value) => unescaped(value) === id),
  );
  if (!sent) return undefined;
  const at = Math.max(0, Math.round(diary.since(sent.at)));
  return `${sent.sender ?? sent.worker} acknowledged it at ${at} ms`;
}

function isBefore(one: string, other: string): boolean {
  const [ms = 0, sequence = 0] = one.split('-').map(Number);
  const [otherMs = 0, otherSequence = 0] = other.split('-').map(Number);
  return ms < otherMs || (ms === otherMs && sequence < otherSequence);
}
