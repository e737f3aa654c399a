import type { Redis } from 'ioredis';
import { asRecords } from '../../system/redis/xinfo.ts';
import { escaped } from './escaped.ts';

const KEYS = 6;
const PENDING = 4;
const ENTRIES = 3;
const FIELDS = 8;

type PendingEntry = [id: string, consumer: string, idleMs: number, deliveries: number];

/**
 * What is in the database now, in a few lines: streams with their groups and pending entries, hashes, and other keys.
 *
 * @param first keys that come before the others
 */
export async function describeDatabase(
  redis: Redis,
  first: readonly string[] = [],
): Promise<string[]> {
  const all = (await redis.keys('*')).sort();
  const keys = [...new Set([...first.filter((key) => all.includes(key)), ...all])];
  if (keys.length === 0) return ['The database is empty.'];
  const lines: string[] = [];
  for (const key of keys.slice(0, KEYS)) lines.push(...(await describeKey(redis, key)));
  if (keys.length > KEYS) lines.push(`... and ${keys.length - KEYS} keys more`);
  return lines;
}

async function describeKey(redis: Redis, key: string): Promise<string[]> {
  const type = await redis.type(key);
  if (type === 'stream') return describeStream(redis, key);
  if (type === 'hash') {
    const fields = Object.entries(await redis.hgetall(key));
    const shown = fields
      .slice(0, FIELDS)
      .map(([field, value]) => `${escaped(field)}=${escaped(value)}`);
    if (fields.length > FIELDS) shown.push('...');
    return [`hash ${escaped(key)}: ${shown.join(' ')}`];
  }
  if (type === 'string') {
    const value = (await redis.get(key)) ?? '';
    return [`string ${escaped(key)}: ${escaped(value.slice(0, 60))}`];
  }
  return [`${type} ${escaped(key)}`];
}

async function describeStream(redis: Redis, key: string): Promise<string[]> {
  const length = await redis.xlen(key);
  const lines = [`stream ${escaped(key)}: ${length} ${length === 1 ? 'entry' : 'entries'}`];
  for (const [id, fields] of await redis.xrevrange(key, '+', '-', 'COUNT', ENTRIES)) {
    lines.push(`  ${id}  ${fields.map(escaped).join(' ').slice(0, 100)}`);
  }
  if (length > ENTRIES) lines.push(`  ... and ${length - ENTRIES} before`);
  for (const group of asRecords(await redis.xinfo('GROUPS', key))) {
    const name = String(group.get('name'));
    const pending = Number(group.get('pending'));
    lines.push(
      `  group ${escaped(name)}: last delivered ${group.get('last-delivered-id')}, ${pending} pending`,
    );
    if (pending === 0) continue;
    const range = (await redis.xpending(key, name, '-', '+', PENDING)) as PendingEntry[];
    for (const [id, consumer, idleMs, deliveries] of range) {
      const count = deliveries === 1 ? 'once' : `${deliveries} times`;
      lines.push(`    ${id} held by ${escaped(consumer)} for ${idleMs} ms, delivered ${count}`);
    }
    if (pending > PENDING) lines.push(`    ... and ${pending - PENDING} more`);
  }
  return lines;
}
