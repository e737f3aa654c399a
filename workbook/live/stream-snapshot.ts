import type { Redis } from 'ioredis';
import { asRecord, asRecords } from '../../system/redis/xinfo.ts';

const SCAN_COUNT = 1000;

export interface StreamSnapshot {
  readonly key: string;
  /** Milliseconds since 1970, by our own clock. */
  readonly at: number;
  readonly length: number;
  /** How many entries were ever added. */
  readonly added: number;
  readonly lastId: string;
  /** The newest entries, the newest first. */
  readonly entries: readonly (readonly [id: string, fields: readonly string[]])[];
  readonly groups: readonly GroupSnapshot[];
}

export interface GroupSnapshot {
  readonly name: string;
  readonly pending: number;
  readonly lastDelivered: string;
  /** How many entries it has not been given yet; unknown after some XDELs. */
  readonly lag: number | undefined;
  readonly consumers: readonly ConsumerSnapshot[];
}

export interface ConsumerSnapshot {
  readonly name: string;
  readonly pending: number;
  /** Milliseconds since it last asked for something. */
  readonly idleMs: number;
}

/** The keys of all streams (SCAN with TYPE), sorted. */
export async function findStreams(redis: Redis): Promise<string[]> {
  const keys = new Set<string>();
  let cursor = '0';
  do {
    const [next, page] = await redis.scan(cursor, 'COUNT', SCAN_COUNT, 'TYPE', 'stream');
    for (const key of page) keys.add(key);
    cursor = next;
  } while (cursor !== '0');
  return [...keys].sort();
}

/**
 * Looks at a stream, and changes nothing: XINFO STREAM, XREVRANGE, XINFO GROUPS, XINFO CONSUMERS.
 *
 * @returns undefined when there is no such key
 * @throws ReplyError when the key holds something else (WRONGTYPE)
 */
export async function lookAt(
  redis: Redis,
  key: string,
  newest: number,
): Promise<StreamSnapshot | undefined> {
  const [info, entries, groups] = await Promise.all([
    redis.xinfo('STREAM', key).then(asRecord, missing),
    redis.xrevrange(key, '+', '-', 'COUNT', newest),
    redis.xinfo('GROUPS', key).then(asRecords, missing),
  ]);
  if (!info) return undefined;
  return {
    key,
    at: Date.now(),
    length: Number(info.get('length')),
    added: Number(info.get('entries-added')),
    lastId: String(info.get('last-generated-id')),
    entries,
    groups: await Promise.all((groups ?? []).map((group) => lookAtGroup(redis, key, group))),
  };
}

async function lookAtGroup(
  redis: Redis,
  key: string,
  group: ReadonlyMap<string, unknown>,
): Promise<GroupSnapshot> {
  const name = String(group.get('name'));
  const lag = group.get('lag');
  // A group can be destroyed between two commands.
  const consumers = await redis.xinfo('CONSUMERS', key, name).then(asRecords, () => []);
  return {
    name,
    pending: Number(group.get('pending')),
    lastDelivered: String(group.get('last-delivered-id')),
    lag: typeof lag === 'number' ? lag : undefined,
    consumers: consumers.map((consumer) => ({
      name: String(consumer.get('name')),
      pending: Number(consumer.get('pending')),
      idleMs: Number(consumer.get('idle')),
    })),
  };
}

function missing(error: Error): undefined {
  if (!error.message.includes('no such key')) throw error;
}
