// Takes over one pending entry by its id: XPENDING finds it, XCLAIM makes it ours, unless somebody was
// faster. Arguments: our name, and for how many milliseconds the entry must have been idle.
//   npm run chapter 5 claim delta 1000
import { Redis } from 'ioredis';

// ioredis leaves the reply of XPENDING untyped.
type Detail = [id: string, consumer: string, idleMs: number, deliveries: number];

const [consumer = 'delta', minIdle = '1000'] = process.argv.slice(2);
const minIdleMs = Number(minIdle);
const stream = 'sensor_readings';
const group = 'analytics_group';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');

// As every worker does when it starts: make the group, unless it is there.
await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM').catch((error: Error) => {
  if (!error.message.startsWith('BUSYGROUP')) throw error;
});

// Somebody who dies while holding an entry leaves it idle. How long is too long depends on how long
// the work can take: below that, we would take entries from the living.
const range = ['IDLE', minIdleMs, '-', '+', 1] as const;
const [oldest] = (await redis.xpending(stream, group, ...range)) as Detail[];

if (!oldest) {
  console.log(`nothing has been pending for ${minIdleMs} ms`);
} else {
  const [id, holder, idleMs] = oldest;
  console.log(`${id} has been with ${holder} for ${idleMs} ms`);

  // The minimum again: XCLAIM resets the idle time, so of two who claim at once, one gets nothing.
  // With a minimum of 0 both would get the entry, and do the work twice.
  const rivals = [consumer, 'rival'].map((name) =>
    redis.xclaim(stream, group, name, minIdleMs, id),
  );
  const [ours, theirs] = await Promise.all(rivals);
  console.log(`${consumer} was given ${ours?.length} entry, its rival ${theirs?.length}`);

  for (const [claimedId, fields] of (ours ?? []) as [string, string[]][]) {
    console.log(`working on ${claimedId} ${fields.join(' ')}`);
    await redis.xack(stream, group, claimedId);
    console.log(`acknowledged ${claimedId}`);
  }
}

redis.disconnect();

// Try next: with a minimum of 0, do both get the entry? And what would that mean for the work?
