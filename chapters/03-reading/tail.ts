// Prints the new entries of `sensor_readings` as they come, until Ctrl+C: XREAD with BLOCK.
// Beside it, run the producer: npm run chapter 2 producer
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'sensor_readings';

let stopping = false;
function stop() {
  stopping = true;
  redis.disconnect(); // ends the blocked read at once; quit() would wait for it
}
process.once('SIGINT', stop);
process.once('SIGTERM', stop);

// `$` stands for "the last id there is", and means something else in every call. So it is looked up
// once, and from then on we name the last id that we have seen: nothing can slip through.
const [newest] = await redis.xrevrange(stream, '+', '-', 'COUNT', 1);
let lastId = newest?.[0] ?? '0-0';
console.log(`waiting for entries after ${lastId}`);

while (!stopping) {
  const reply = await redis
    // BLOCK 0 would wait for ever. A finite wait notices a dead connection, and costs one empty
    // reply every five seconds.
    .xread('COUNT', 100, 'BLOCK', 5000, 'STREAMS', stream, lastId)
    .catch((error: unknown) => {
      if (stopping) return null; // "Connection is closed.": that was us
      throw error;
    });
  for (const [, entries] of reply ?? []) {
    for (const [id, fields] of entries) {
      console.log('new entry', id, fields.join(' '));
      lastId = id;
    }
  }
}

// Try next: run two of them. Does each get every entry, or do they share?
