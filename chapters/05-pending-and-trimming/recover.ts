// Takes over all that the dead have left, and works on it: XAUTOCLAIM, page by page.
// Arguments: our name, and for how many milliseconds an entry must have been idle.
//   npm run chapter 5 recover delta 1000
import { Redis } from 'ioredis';

// Two elements from Redis 6.2, three since 7.0: the ids of entries that are no longer in the stream.
type Claimed = [
  cursor: string,
  entries: ([id: string, fields: string[]] | null)[],
  gone?: string[],
];

const [consumer = 'delta', minIdleMs = '1000'] = process.argv.slice(2);
const stream = 'sensor_readings';
const group = 'analytics_group';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');

// As every worker does when it starts: make the group, unless it is there.
await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM').catch((error: Error) => {
  if (!error.message.startsWith('BUSYGROUP')) throw error;
});

let cursor = '0-0';
let recovered = 0;
do {
  // Claims what has been idle long enough, from the cursor on, and says where to go on. It looks at
  // no more than ten times COUNT entries a call, so a page may be empty and still not be the last.
  const page = await redis.xautoclaim(stream, group, consumer, minIdleMs, cursor, 'COUNT', 10);
  const [next, entries, gone = []] = page as Claimed;

  for (const entry of entries) {
    if (!entry) continue; // 6.2 answers nil for an entry that was trimmed away
    const [id, fields] = entry;
    console.log(`recovering ${id} ${fields.join(' ')}`);
    // The work, once more. It may have been done before the crash: do it so that twice does no harm.
    await redis.xack(stream, group, id);
    recovered++;
  }
  if (gone.length > 0) console.log(`trimmed away before they were done: ${gone.join(' ')}`);
  cursor = next;
} while (cursor !== '0-0'); // back at the beginning: that was all

console.log(`recovered ${recovered} entries`);
redis.disconnect();

// Try next: make it a part of the consumer of chapter 4. How often should it look?
