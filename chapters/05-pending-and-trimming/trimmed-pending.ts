// Trimming asks no consumer group: what it does to entries that are pending, and to entries that were
// never read. Needs nothing beside it.
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'workbook:invoices';
const group = 'bookkeeping';
await redis.del(stream); // a clean start, so that this can be run again
await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
for (let n = 1; n <= 6; n++) await redis.xadd(stream, `${n}-0`, 'invoice', n);

await redis.xreadgroup('GROUP', group, 'clerk', 'COUNT', 2, 'STREAMS', stream, '>');
console.log('six invoices: 1 and 2 are being worked on (pending), 3 to 6 nobody has read');

await redis.xtrim(stream, 'MAXLEN', '=', 2);
console.log('XTRIM MAXLEN = 2 leaves 5 and 6\n');

const [pending] = await redis.xpending(stream, group);
console.log('still pending:', pending); // → 2: the list knows ids only

const own = await redis.xreadgroup('GROUP', group, 'clerk', 'STREAMS', stream, '0');
console.log('the clerk asks for them again:', JSON.stringify(own?.[0]?.[1])); // the fields are null

const unread = await redis.xreadgroup('GROUP', group, 'clerk', 'STREAMS', stream, '>');
const ids = (unread?.[0]?.[1] ?? []).map(([id]) => id).join(' ');
console.log('the next new invoices:', ids); // → 5-0 6-0: 3 and 4 were lost, and no error says so

// XAUTOCLAIM takes such empty shells off the list, and names them in its third element.
const [, , gone] = await redis.xautoclaim(stream, group, 'clerk', 0, '0-0');
console.log('XAUTOCLAIM takes off the list:', gone); // → 1-0 and 2-0
console.log('pending now:', (await redis.xpending(stream, group))[0]); // → 2: the invoices 5 and 6

redis.disconnect();

// Try next: how would you know in time that trimming is about to reach unread entries? (XINFO GROUPS)
