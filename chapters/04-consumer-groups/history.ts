// `>` against an explicit id in XREADGROUP: `>` hands out new entries, any id shows what this consumer
// was given before and has not acknowledged, and only that. Needs nothing beside it.
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'workbook:parcels';
const group = 'couriers';
await redis.del(stream); // a clean start, so that this can be run again
await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
for (const city of ['Lisbon', 'Oslo', 'Porto']) await redis.xadd(stream, '*', 'to', city);

async function read(name: string, count: number, id: string) {
  const reply = await redis.xreadgroup('GROUP', group, name, 'COUNT', count, 'STREAMS', stream, id);
  const entries = reply?.[0]?.[1] ?? [];
  const cities = entries.map(([, fields]) => fields?.[1]).join(', ');
  console.log(`${name} reads ${id}:`.padEnd(16), cities || '(nothing)');
  return entries.map(([entryId]) => entryId);
}

const given = await read('anna', 2, '>'); // → Lisbon, Oslo
await redis.xack(stream, group, given[0] ?? '');
console.log('anna acknowledges Lisbon');

await read('anna', 10, '0'); // → Oslo: given to her, not acknowledged. Not Lisbon, not Porto
await read('ben', 10, '0'); // → nothing: Oslo is anna's. And no way to re-read the stream
await read('ben', 10, '>'); // → Porto: the one that nobody was given

// That is what a consumer does first when it starts again under its old name: it reads from 0 what
// its former self left undone, and then goes over to `>`. Each such read counts as a delivery.
const detail = await redis.xpending(stream, group, '-', '+', 10, 'anna');
console.log('pending for anna (id, consumer, idle ms, deliveries):', JSON.stringify(detail));

// To read a whole stream again there is XRANGE, which knows no groups and takes nothing.
const all = await redis.xrange(stream, '-', '+');
console.log('XRANGE sees them all:', all.map(([, fields]) => fields[1]).join(', '));

redis.disconnect();

// Try next: read('anna', 10, '0') twice more. What happens to the count of deliveries?
