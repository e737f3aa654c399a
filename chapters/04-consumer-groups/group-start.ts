// Where a group begins: from `0` it sees the whole stream, from `$` only what comes after it was made.
// And what happens when it is made twice (BUSYGROUP). Needs nothing beside it.
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'workbook:parcels';
await redis.del(stream); // a clean start, so that this can be run again

// Without MKSTREAM, a group needs a stream that exists.
const early = await redis
  .xgroup('CREATE', stream, 'depot', '0')
  .catch((error: Error) => error.message);
console.log('no stream yet:', early);

await redis.xadd(stream, '1-0', 'to', 'Lisbon');
await redis.xadd(stream, '2-0', 'to', 'Oslo');

await redis.xgroup('CREATE', stream, 'from_the_start', '0');
await redis.xgroup('CREATE', stream, 'from_now_on', '$');
await redis.xgroup('CREATE', stream, 'from_the_middle', '1-0'); // any id: what comes after it

await redis.xadd(stream, '3-0', 'to', 'Porto');

async function readAll(group: string) {
  const reply = await redis.xreadgroup('GROUP', group, 'clerk', 'STREAMS', stream, '>');
  return (reply?.[0]?.[1] ?? []).map(([, fields]) => fields?.[1]).join(', ');
}
console.log('from 0:  ', await readAll('from_the_start')); // → Lisbon, Oslo, Porto
console.log('from 1-0:', await readAll('from_the_middle')); // → Oslo, Porto
console.log('from $:  ', await readAll('from_now_on')); // → Porto: two parcels never reach it

// Every worker makes the group at its start, so all but the first get this error. It is the only
// one to be ignored: a catch for every error would hide a wrong password too.
const again = await redis
  .xgroup('CREATE', stream, 'from_the_start', '$')
  .catch((error: Error) => error.message);
console.log('made twice:', again); // and the group stands where it stood: the `$` did nothing

// `*` is an id for XADD only. Here it is an error, whatever you may have read elsewhere.
const star = await redis
  .xgroup('CREATE', stream, 'star', '*')
  .catch((error: Error) => error.message);
console.log('from *:', star);

redis.disconnect();

// Try next: XGROUP SETID moves a group. Send `from_now_on` back to 0 and read again.
