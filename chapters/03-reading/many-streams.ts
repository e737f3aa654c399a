// Reads several streams in one call: XREAD takes all keys first, then an id for each of them.
// Needs nothing beside it.
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const rooms = ['workbook:room_1', 'workbook:room_2', 'workbook:room_3'];
await redis.del(...rooms); // a clean start, so that this can be run again

await redis.xadd('workbook:room_1', '*', 'celsius', 20);
await redis.xadd('workbook:room_1', '*', 'celsius', 21);
await redis.xadd('workbook:room_2', '*', 'celsius', 15);

// What has been read so far, per stream. 0-0 comes before everything.
const position = new Map(rooms.map((room) => [room, '0-0']));

async function readNew(blockMs: number) {
  // All keys, then all ids, in the same order. COUNT is per stream, not in all.
  const streams = [...position.keys(), ...position.values()];
  const reply = await redis.xread('COUNT', 10, 'BLOCK', blockMs, 'STREAMS', ...streams);
  if (!reply) {
    console.log('  nothing new'); // no empty lists: when the time is over, the reply is null
    return;
  }

  // [['workbook:room_1', [['1700000000000-0', ['celsius', '20']], ...]], ['workbook:room_2', ...]]
  for (const [room, entries] of reply) {
    for (const [id, fields] of entries) {
      console.log(`  ${room} ${id} ${fields.join(' ')}`);
      position.set(room, id);
    }
  }
}

console.log('First call: everything so far. Room 3 is empty, and left out.');
await readNew(100);

console.log('Second call: nothing new, so it blocks for 100 ms and gives up.');
await readNew(100);

console.log('Third call: an entry wakes it, in whichever stream it arrives.');
const waiting = readNew(5000);
const writer = redis.duplicate(); // the first connection is blocked: it can send nothing else
await writer.xadd('workbook:room_3', '*', 'celsius', 18);
await waiting;

redis.disconnect();
writer.disconnect();

// Try next: send the XADD over `redis` instead of `writer`. How long does it take, and why?
