// Trimming by hand: XTRIM by number (MAXLEN) and by age (MINID), exactly (=) and about (~).
// Needs nothing beside it.
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'workbook:clicks';

async function fill() {
  await redis.del(stream); // a clean start, so that this can be run again
  const pipeline = redis.pipeline();
  for (let n = 1; n <= 450; n++) pipeline.xadd(stream, `${n}-0`, 'page', `/item/${n}`);
  await pipeline.exec();
}

async function show(command: string, removed: number) {
  const [oldest] = await redis.xrange(stream, '-', '+', 'COUNT', 1);
  const left = await redis.xlen(stream);
  console.log(`${command.padEnd(22)} removed ${removed}, left ${left}, oldest ${oldest?.[0]}`);
}

await fill();
await show('450 entries', 0);
await show('XTRIM MAXLEN = 230', await redis.xtrim(stream, 'MAXLEN', '=', 230)); // → left 230

await fill();
// About: whole blocks of 100 only, and never more than was allowed. Two blocks go, twenty stay on.
await show('XTRIM MAXLEN ~ 230', await redis.xtrim(stream, 'MAXLEN', '~', 230)); // → left 250

await fill();
await show('XTRIM MINID = 150-0', await redis.xtrim(stream, 'MINID', '=', '150-0')); // 150-0 stays

await fill();
await show('XTRIM MINID ~ 150-0', await redis.xtrim(stream, 'MINID', '~', '150-0')); // one block

// With real ids, MINID speaks of time: keep the last hour.
const anHourAgo = Date.now() - 60 * 60 * 1000;
await redis.xadd(stream, '*', 'page', '/checkout');
await show('XTRIM MINID = <time>', await redis.xtrim(stream, 'MINID', '=', anHourAgo));

redis.disconnect();

// Try next: XTRIM MAXLEN 0. What is left of the stream, and of its groups?
