// The gap that `$` leaves when it is used twice: two readers, the same entries, one of them loses some.
// The careless reader passes `$` on every call, the careful one the last id that it has seen.
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'workbook:orders';
await redis.del(stream); // a clean start, so that this can be run again

async function readTwice(nextId: (lastSeen: string) => string) {
  const reader = redis.duplicate();
  const clientId = await reader.client('ID');
  /** Whether the reader is blocked in its read: CLIENT LIST shows the flag `b` for it. */
  async function isBlocked() {
    return / flags=\S*b/.test(String(await redis.call('CLIENT', 'LIST', 'ID', clientId)));
  }
  const seen: string[] = [];
  let lastSeen = '$';

  async function readOnce() {
    const reply = await reader.xread('BLOCK', 5000, 'STREAMS', stream, nextId(lastSeen));
    // Streams, their entries, the entries' fields: [['workbook:orders', [['17...-0', [...]]]]]
    for (const [, entries] of reply ?? []) {
      for (const [id, fields] of entries) {
        const [, item = ''] = fields; // ['item', 'tea']: a name and its value
        seen.push(item);
        lastSeen = id;
      }
    }
  }

  const firstRead = readOnce();
  while (!(await isBlocked())) await sleep(5);
  await redis.xadd(stream, '*', 'item', 'tea'); // arrives while the reader waits
  await firstRead;

  await redis.xadd(stream, '*', 'item', 'milk'); // arrives while the reader is busy with the tea

  const secondRead = readOnce();
  // The careful reader has its milk at once; the careless one waits for the next entry.
  while (seen.length < 2 && !(await isBlocked())) await sleep(5);
  await redis.xadd(stream, '*', 'item', 'sugar');
  await secondRead;
  reader.disconnect();
  return seen;
}

const careless = await readTwice(() => '$');
console.log('`$` every time:   ', careless.join(', ')); // → tea, sugar: the milk is gone

const careful = await readTwice((lastSeen) => lastSeen);
console.log('the last id seen: ', careful.join(', ')); // → tea, milk: the sugar comes next

redis.disconnect();

// Try next: read a third time with both. Which entries has each reader seen then?
