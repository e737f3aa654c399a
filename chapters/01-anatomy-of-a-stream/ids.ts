// Where ids come from, and which ones the server refuses.
// An id is <milliseconds>-<sequence>; each must be greater than the last one that was given out.
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'workbook:ids';
await redis.del(stream); // a clean start, so that this can be run again

/** Adds an entry with this id and says what the server made of it. */
async function add(id: string) {
  try {
    console.log(`XADD ${id.padEnd(4)} ->`, await redis.xadd(stream, id, 'colour', 'blue'));
  } catch (error) {
    console.log(
      `XADD ${id.padEnd(4)} -> refused: ${error instanceof Error ? error.message : error}`,
    );
  }
}

console.log('Ids of your own:');
await add('5'); // → 5-0: without a sequence number, it is 0
await add('5-1');
await add('5-1'); // refused: equal is not greater
await add('4-9'); // refused: smaller
await add('0-0'); // refused: the smallest id of all is 0-1
await add('5-*'); // → 5-2: only the sequence is the server's

console.log('\nThe last id stays used up, also when its entry is gone:');
await add('9-0');
console.log('XDEL 9-0 ->', await redis.xdel(stream, '9-0')); // → 1
await add('9-0'); // refused
await add('8-0'); // refused

console.log('\nIds by the server (`*`):');
// Sent together, so some of them fall into the same millisecond: the sequence tells them apart.
const ids = await Promise.all(Array.from({ length: 5 }, () => redis.xadd(stream, '*', 'n', 1)));
for (const id of ids) {
  const milliseconds = Number(id?.split('-')[0]);
  console.log(id, new Date(milliseconds).toISOString());
}

redis.disconnect();

// Try next: add '9999999999999-0' by hand, then `*` twice. Where does the clock of the stream go?
