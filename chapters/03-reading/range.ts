// Reads what is in `sensor_readings` already: XRANGE for the first ten entries, XREVRANGE for the last
// five, and then page by page. Run the producer first: npm run chapter 2 producer
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'sensor_readings';

function toObject(fields: string[]): Record<string, string> {
  const object: Record<string, string> = {};
  for (let i = 0; i < fields.length; i += 2) {
    const [name = '', value = ''] = fields.slice(i, i + 2);
    object[name] = value;
  }
  return object;
}

// `-` is the smallest possible id, `+` the greatest. Both ends of a range belong to it.
const firstTen = await redis.xrange(stream, '-', '+', 'COUNT', 10);
if (firstTen.length === 0) {
  console.log('No entries yet. Run the producer: npm run chapter 2 producer');
}
console.log(`The first ${firstTen.length}:`);
for (const [id, fields] of firstTen) console.log(id, JSON.stringify(toObject(fields)));

// XREVRANGE takes the greater id first, and costs as little at the end of a stream as XRANGE does at
// its beginning. Never fetch the whole stream in order to keep the last few.
const lastFive = await redis.xrevrange(stream, '+', '-', 'COUNT', 5);
console.log(`\nThe last ${lastFive.length}, newest first:`);
for (const [id, fields] of lastFive) console.log(id, JSON.stringify(toObject(fields)));

// A page starts right behind the last id of the page before: `(` leaves that id itself out.
console.log('\nAll of it, in pages of 10:');
let start = '-';
for (let page = 1; ; page++) {
  const entries = await redis.xrange(stream, start, '+', 'COUNT', 10);
  const lastId = entries.at(-1)?.[0];
  if (!lastId) break;
  console.log(`page ${page}: ${entries.length} entries, ${entries[0]?.[0]} to ${lastId}`);
  start = `(${lastId}`;
}

// An id begins with the time, so a range of ids is a range of time.
const since = Date.now() - 1000;
const recent = await redis.xrange(stream, since, '+');
console.log(`\nAdded within the last second: ${recent.length}`);

redis.disconnect();

// Try next: leave out the `(`. What is wrong with the pages, and does the loop still end?
