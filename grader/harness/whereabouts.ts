import type { Redis } from 'ioredis';
import { asRecords } from '../../system/redis/xinfo.ts';
import type { Deed, Diary, Moment } from './diary.ts';
import { unescaped } from './escaped.ts';
import { senderOf } from './meant.ts';
import type { Recorded } from './recorded.ts';

const MANY_KEYS = 10_000;

/** What is known of a check, to tell what became of an entry. */
export interface Evidence {
  readonly redis: Redis;
  readonly diary: Diary;
  readonly commands: readonly Recorded[];
  /** The workers that were hired, by their names. */
  readonly workers: readonly string[];
  /** Of which group the entry is, when that is known. */
  readonly group?: { readonly stream: string; readonly name: string } | undefined;
}

const PAST: Partial<Record<Deed, string>> = {
  'is killed': 'was killed',
  'is paused': 'was paused',
  'is woken': 'woke up',
  returns: 'returned',
  fails: 'ended with an error',
};

interface GroupInfo {
  readonly stream: string;
  readonly name: string;
  readonly lastDelivered: string;
}

/**
 * Where an entry is, in words: who holds it, how often it was delivered, and what became of its holder; or who has acknowledged
 * it, or removed it.
 */
export async function whereIs(id: string, evidence: Evidence): Promise<string> {
  const groups = await groupsAtWork(evidence);
  const held = await Promise.all(
    groups.map((group) => holderIn(group, id, evidence, groups.length > 1)),
  );
  const holders = held.filter((words) => words !== undefined);
  if (holders.length > 0) return holders.slice(0, 2).join('; ');
  const { redis, diary } = evidence;
  const streams = [...new Set(groups.map(({ stream }) => stream))];
  const found = await Promise.all(streams.map((stream) => redis.xrange(stream, id, id)));
  if (found.flat().length === 0) return removal(id, evidence);
  const [unread] = groups.filter(({ lastDelivered }) => isBefore(lastDelivered, id));
  if (unread) return `the group ${unread.name} was never given it`;
  const acknowledged = sentTo(/^x(ack|ackdel)$/i, id, evidence);
  const how = acknowledged
    ? `it was acknowledged ${acknowledged}`
    : 'it is not pending, and nobody has sent an XACK for it';
  const holder = diary.holderOf(id);
  const fate = holder && fateOf(holder, diary);
  return fate ? `${how}; ${holder} had it in hand, and ${fate}` : how;
}

/** The group that is known; or else those that hired workers have read from; or else all. */
async function groupsAtWork({ redis, workers, group: only }: Evidence): Promise<GroupInfo[]> {
  const [, streams] = await redis.scan('0', 'COUNT', MANY_KEYS, 'TYPE', 'stream');
  const all: GroupInfo[] = [];
  const atWork: GroupInfo[] = [];
  for (const stream of streams.filter((key) => !only || key === only.stream).toSorted()) {
    for (const record of asRecords(await redis.xinfo('GROUPS', stream))) {
      const name = String(record.get('name'));
      if (only && name !== only.name) continue;
      const group = { stream, name, lastDelivered: String(record.get('last-delivered-id')) };
      const consumers = asRecords(await redis.xinfo('CONSUMERS', stream, name));
      all.push(group);
      if (consumers.some((one) => workers.includes(String(one.get('name'))))) atWork.push(group);
    }
  }
  return atWork.length > 0 ? atWork : all;
}

async function holderIn(
  { stream, name }: GroupInfo,
  id: string,
  { redis, diary, workers }: Evidence,
  isOneOfSeveral: boolean,
): Promise<string | undefined> {
  const reply: unknown = await redis.xpending(stream, name, id, id, 1);
  const [line]: unknown[] = Array.isArray(reply) ? reply : [];
  if (!Array.isArray(line)) return undefined;
  const [consumer, deliveries] = [String(line[1]), Number(line[3])];
  const inGroup = isOneOfSeveral ? ` in the group ${name}` : '';
  const holds = `${consumer} holds it${inGroup}, delivered ${deliveries === 1 ? 'once' : `${deliveries} times`}`;
  if (!workers.includes(consumer)) return `the consumer ${holds}; no worker of that name is there`;
  const last = diary.moments.findLast(({ of }) => of === id);
  const threw =
    last?.deed === 'throws' ? `, and its handler threw at ${Math.round(last.at)} ms` : '';
  const fate = fateOf(consumer, diary);
  return `${holds}${threw}${fate ? `; ${consumer} ${fate}` : ''}`;
}

/** What has happened to a worker: `was killed at 320 ms`; undefined when nothing has. */
function fateOf(worker: string, { moments }: Diary): string | undefined {
  const [last, before] = moments
    .filter((one) => one.worker === worker && (one.deed === 'starts' || PAST[one.deed]))
    .toReversed();
  if (!last || last.deed === 'is woken') return undefined;
  if (last.deed !== 'starts') return inPast(last);
  return before && before.deed !== 'starts'
    ? `${inPast(before)} and started again at ${Math.round(last.at)} ms`
    : undefined;
}

function inPast({ deed, at }: Moment): string {
  return `${PAST[deed] ?? deed} at ${Math.round(at)} ms`;
}

/** That it is not in its stream any more, and who may have seen to that. */
function removal(id: string, evidence: Evidence): string {
  const gone = 'it is not in the stream any more';
  const deleted = sentTo(/^x(del|delex|ackdel)$/i, id, evidence);
  if (deleted) return `${gone}: deleted ${deleted}`;
  const trims = evidence.commands.filter(
    ({ args: [command = '', , ...options] }) =>
      /^xtrim$/i.test(command) ||
      (/^xadd$/i.test(command) && options.slice(0, 2).some((one) => /^(maxlen|minid)$/i.test(one))),
  );
  const [first] = trims;
  return first
    ? `${gone}: ${senderOf(first)} trims the stream (${first.args[0]?.toUpperCase()})`
    : gone;
}

/** Who has sent such commands for an entry: `by alice at 320 ms`, and for another group `by bob at 330 ms`. */
function sentTo(pattern: RegExp, id: string, { commands, diary }: Evidence): string | undefined {
  const sent = commands.filter(
    ({ args: [command = '', ...values] }) =>
      pattern.test(command) && values.some((value) => unescaped(value) === id),
  );
  const said = new Map(
    sent.map((one) => [
      senderOf(one),
      `by ${senderOf(one)} at ${Math.max(0, Math.round(diary.since(one.at)))} ms`,
    ]),
  );
  return said.size > 0 ? [...said.values()].slice(0, 2).join(' and ') : undefined;
}

function isBefore(one: string, other: string): boolean {
  const [ms = 0, sequence = 0] = one.split('-').map(Number);
  const [otherMs = 0, otherSequence = 0] = other.split('-').map(Number);
  return ms < otherMs || (ms === otherMs && sequence < otherSequence);
}
