// What an entry is: an id, and a list of fields with their values.
// XADD appends one, XLEN counts them, XRANGE reads them back. Needs nothing beside it.
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'workbook:temperatures';
await redis.del(stream); // a clean start, so that this can be run again

// The stream comes into being with its first entry. `*` has the server make the id.
const first = await redis.xadd(stream, '*', 'room', 'kitchen', 'celsius', 21.5);
const second = await redis.xadd(stream, '*', 'room', 'cellar', 'celsius', 12, 'alarm', 'damp');
console.log(`added ${first} and ${second}`);

console.log('type:', await redis.type(stream)); // → stream
console.log('length:', await redis.xlen(stream)); // → 2

for (const [id, fields] of await redis.xrange(stream, '-', '+')) {
  // Fields come as one flat list: name, value, name, value. Entries need not have the same ones.
  console.log(id, fields); // the number 21.5 has become the string '21.5'
}

// It is a list, not a map: the order is kept, and a name may occur twice.
const tagged = await redis.xadd(stream, '*', 'room', 'attic', 'tag', 'hot', 'tag', 'dusty');
const [[, fields] = ['', []]] = await redis.xrange(stream, tagged ?? '-', '+');
console.log('as stored:', fields.join(' ')); // → room attic tag hot tag dusty

// Handy, as long as no name occurs twice: the object keeps only the last value of 'tag'.
const object: Record<string, string> = {};
for (let i = 0; i < fields.length; i += 2) object[fields[i] ?? ''] = fields[i + 1] ?? '';
console.log('as an object:', object); // → { room: 'attic', tag: 'dusty' }

redis.disconnect();

// Try next: give XADD a field without a value, and an object instead of a list.
