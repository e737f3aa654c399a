// What an entry is: an id, and a list of fields with their values.
// XADD appends one, XLEN counts them, XRANGE reads them back. Needs nothing beside it.
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'workbook:temperatures';
await redis.del(stream); // a clean start, so that this can be run again

// The stream comes into being with its first entry. `*` has the server make the id.
const first = await redis.xadd(stream, '*', 'room', 'kitchen', 'celsius', 21.5);
// Entries need not have the same fields, and a name may occur twice.
const second = await redis.xadd(stream, '*', 'room', 'attic', 'tag', 'hot', 'tag', 'dusty');
console.log(`added ${first} and ${second}`);

console.log('type:', await redis.type(stream)); // → stream
console.log('length:', await redis.xlen(stream)); // → 2

// XRANGE from `-` (the smallest id) to `+` (the greatest) answers with all entries, each an id and
// a flat list of fields: name, value, name, value.
//   [['1700000000000-0', ['room', 'kitchen', 'celsius', '21.5']], ['1700000000001-0', [...]]]
const entries = await redis.xrange(stream, '-', '+');
for (const [id, fields] of entries) {
  console.log(id, fields); // in the order of XADD; the number 21.5 has become the string '21.5'
}

/** The fields as an object. Handy as long as no name occurs twice: of such a name, the last value stays. */
function toObject(fields: string[]): Record<string, string> {
  const object: Record<string, string> = {};
  for (let i = 0; i < fields.length; i += 2) {
    const [name = '', value = ''] = fields.slice(i, i + 2);
    object[name] = value;
  }
  return object;
}

console.log('As objects:');
for (const [, fields] of entries) console.log(toObject(fields)); // the attic is no longer hot

redis.disconnect();

// Try next: give XADD a field without a value, and an object instead of a list.
