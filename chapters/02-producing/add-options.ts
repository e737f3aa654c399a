// What may stand between the key and the id of XADD: NOMKSTREAM, MAXLEN, MINID and LIMIT,
// and what happens to an option that stands behind the id. Needs nothing beside it.
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'workbook:readings';
await redis.del(stream); // a clean start, so that this can be run again

// NOMKSTREAM: only add to a stream that is there. A typo in a key then makes no new stream.
const nothing = await redis.xadd(stream, 'NOMKSTREAM', '*', 'celsius', 20);
console.log('NOMKSTREAM on a missing key:', nothing); // → null

for (let minute = 1; minute <= 10; minute++) {
  await redis.xadd(stream, `${minute}-0`, 'celsius', 20 + minute);
}

async function show(what: string) {
  const ids = (await redis.xrange(stream, '-', '+')).map(([id]) => id);
  console.log(`${what.padEnd(24)} ${ids.join(' ')}`);
}
await show('ten entries:');

await redis.xadd(stream, 'MAXLEN', '=', 6, '11-0', 'celsius', 31);
await show('MAXLEN = 6:'); // the new entry counts: five old ones are left

await redis.xadd(stream, 'MINID', '=', '9-0', '12-0', 'celsius', 32);
await show('MINID = 9-0:'); // a threshold of age rather than number: 9-0 itself stays

await redis.xadd(stream, 'MAXLEN', '~', 2, '13-0', 'celsius', 33);
await show('MAXLEN ~ 2:'); // nothing goes: `~` removes only whole blocks, of 100 entries

// LIMIT caps what one call removes. It goes with `~` only, and below a whole block nothing goes.
await redis.xadd(stream, 'MAXLEN', '~', 2, 'LIMIT', 100, '14-0', 'celsius', 34);
await show('MAXLEN ~ 2 LIMIT 100:');
const refused = await redis
  .call('XADD', stream, 'MAXLEN', '=', '2', 'LIMIT', '100', '15-0', 'celsius', '35')
  .catch((error: Error) => error.message);
console.log('MAXLEN = 2 LIMIT 100:   ', refused);

// The trap. No error, no trimming: MAXLEN has become a field of the entry.
await redis.xadd(stream, '16-0', 'MAXLEN', 2, 'celsius', 36);
await show('MAXLEN 2 behind the id:');
for (const [id, fields] of await redis.xrange(stream, '16-0', '16-0')) {
  console.log(`what ${id} holds:        `, fields.join(' ')); // → MAXLEN 2 celsius 36
}

redis.disconnect();

// Try next: MAXLEN 0. Is the new entry there afterwards?
