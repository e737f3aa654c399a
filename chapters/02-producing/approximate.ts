// Why `~`: two streams get the same 1,250 entries, one with MAXLEN = 1000, one with MAXLEN ~ 1000.
// Shows how long each becomes on the way.
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const exact = 'workbook:exact';
const about = 'workbook:about';
await redis.del(exact, about); // a clean start, so that this can be run again

console.log('added   MAXLEN = 1000   MAXLEN ~ 1000');
for (let added = 1; added <= 1250; added++) {
  const reading = ['celsius', 20 + (added % 10)];
  await redis.xadd(exact, 'MAXLEN', '=', 1000, '*', ...reading);
  await redis.xadd(about, 'MAXLEN', '~', 1000, '*', ...reading);
  if (added % 125 === 0) {
    const exactLength = `${await redis.xlen(exact)}`;
    console.log(`${added}`.padEnd(7), exactLength.padEnd(15), await redis.xlen(about));
  }
}

// A block holds up to 100 entries, packed together. `=` cuts the oldest entry out of its block at
// every XADD. `~` waits until a whole block can go: no cutting, and never fewer than you asked for.
const surplus = (await redis.xlen(about)) - (await redis.xlen(exact));
console.log(`\n~ keeps ${surplus} more than asked: at most 99, the rest of one block`);

redis.disconnect();

// Try next: replace 1000 by 10. How long does the stream with `~` become, and why?
