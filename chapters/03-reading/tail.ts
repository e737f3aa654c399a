// Prints the new entries of `sensor_readings` as they come, until Ctrl+C: XREAD with BLOCK.
// Beside it, run the producer: npm run chapter 2 producer
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

const stream = 'sensor_readings';
const blockMs = 2000;

// It is the server that keeps the time of BLOCK. When the connection falls silent, its answer never
// comes, and the read would wait for ever. So the client keeps a time too, a little longer: when it
// is over, ioredis connects anew, and sends the unanswered read again.
const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', {
  socketTimeout: blockMs + 1000,
});
redis.on('error', (error) => console.error(`connection: ${error}`));

const stop = new AbortController();
function leave() {
  stop.abort();
  // While it is not connected, ioredis 6.0 leaves the read as it is: there is nothing to wait for.
  if (redis.status !== 'ready') process.exit();
  redis.disconnect(); // ends the blocked read at once; quit() would wait for it
}
process.once('SIGINT', leave);
process.once('SIGTERM', leave);

// `$` stands for "the last id there is", and means something else in every call. So it is looked up
// once, and from then on we name the last id that we have seen: nothing can slip through.
let lastId: string | undefined;

while (!stop.signal.aborted) {
  try {
    if (!lastId) {
      const [newest] = await redis.xrevrange(stream, '+', '-', 'COUNT', 1);
      lastId = newest?.[0] ?? '0-0';
      console.log(`waiting for entries after ${lastId}`);
    }
    const reply = await redis.xread('COUNT', 100, 'BLOCK', blockMs, 'STREAMS', stream, lastId);
    if (!reply) continue; // null: nothing came within the time of BLOCK

    // A list of streams: each a key and a list of entries, each an id and a flat list of fields.
    //   [['sensor_readings', [['1700000000000-0', ['sensorId', '1', 'temperature', '21.50']]]]]
    for (const [, entries] of reply) {
      for (const [id, fields] of entries) {
        console.log('new entry', id, fields.join(' '));
        lastId = id;
      }
    }
  } catch (error) {
    if (stop.signal.aborted) break; // "Connection is closed.": that was us
    // ioredis has given up this read, or the server cannot answer it now. A reader that lives on
    // says so, waits a moment, and tries again.
    console.error(`trying again: ${error}`);
    await sleep(1000, undefined, { signal: stop.signal }).catch(() => {});
  }
}

// Try next: run two of them. Does each get every entry, or do they share?
