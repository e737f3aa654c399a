import { isDeepStrictEqual } from 'node:util';
import type { Redis } from 'ioredis';
import { escaped } from './escaped.ts';
import { expectThat } from './unmet.ts';

/**
 * Expects that each item has become one entry, with one field per property, and that its id was returned.
 *
 * @param functionName what the learner's function is called
 * @param ids what it has returned, in the order of the items
 */
export async function expectEntries(
  redis: Redis,
  stream: string,
  functionName: string,
  ids: readonly unknown[],
  items: readonly object[],
): Promise<void> {
  const entries = await redis.xrange(stream, '-', '+');
  const first = entries
    .slice(0, 2)
    .map(([id, fields]) => `${id}: ${fields.map(escaped).join(' ')}`);
  expectThat(entries.length === items.length, {
    expected: `${items.length} entries in ${stream} after ${items.length} calls of ${functionName}`,
    happened: `there are ${entries.length}: ${first.join('; ') || 'none'}`,
  });
  for (const [index, item] of items.entries()) {
    const entry = entries.find(([id]) => id === ids[index]);
    expectThat(entry !== undefined, {
      expected: `${functionName} to return the entry's id`,
      happened: `it returned ${JSON.stringify(ids[index])}, and there is no such entry`,
    });
    const found = pairs(entry[1]);
    const wanted = pairs(Object.entries(item).flat().map(String));
    expectThat(isDeepStrictEqual(found.toSorted(), wanted.toSorted()), {
      expected: `the fields ${wanted.join(', ')}`,
      happened: `the entry has ${found.join(', ')}`,
    });
  }
}

/** Whether an item has all properties of another, with these values; more of them do not matter. */
export function contains(item: unknown, wanted: object): boolean {
  if (typeof item !== 'object' || item === null) return false;
  const found = new Map<string, unknown>(Object.entries(item));
  return Object.entries(wanted).every(([name, value]) => isDeepStrictEqual(found.get(name), value));
}

/** The fields of an entry, a flat list of names and values in turn, by their names. */
export function recordOf(fields: readonly string[]): Record<string, string> {
  const named = fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1] ?? '']] : []));
  return Object.fromEntries(named);
}

/** Names and values in turn, as `name=value`. A field that is there twice is there twice. */
function pairs(flat: readonly string[]): string[] {
  return flat.flatMap((name, at) =>
    at % 2 === 0 ? [`${escaped(name)}=${escaped(flat[at + 1] ?? '')}`] : [],
  );
}
