// Takes over all that the dead have left, and works on it: XAUTOCLAIM, one entry at a time.
// Arguments: our name, and for how many milliseconds an entry must have been idle.
//   npm run chapter 5 recover delta 1000
import { Redis } from 'ioredis';

// ioredis leaves the reply of XAUTOCLAIM untyped: [where to go on, what was claimed, what is gone].
type Claimed = [cursor: string, entries: [id: string, fields: string[]][], gone: string[]];

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
  // Claims the next one that has been idle for long enough, from the cursor on. With COUNT 10, nine
  // would wait for their turn in our hands, grow too old there, and be taken over once more.
  const page = await redis.xautoclaim(stream, group, consumer, minIdleMs, cursor, 'COUNT', 1);
  // ['1700000000000-1', [['1700000000000-0', ['sensorId', '1', ...]]], []]
  const [next, entries, gone] = page as Claimed;

  for (const [id, fields] of entries) {
    console.log(`recovering ${id} ${fields.join(' ')}`);
    // The work, once more. It may have been done before the crash: do it so that twice does no harm.
    await redis.xack(stream, group, id);
    recovered++;
  }
  if (gone.length > 0) console.log(`trimmed away before they were done: ${gone.join(' ')}`);
  // One call looks at no more than ten times COUNT entries: a page may be empty and not the last.
  cursor = next;
} while (cursor !== '0-0'); // back at the beginning: that was all

console.log(`recovered ${recovered} entries`);
redis.disconnect();

// Try next: compare it with the loop of chapter 6's pipeline.ts. How often does that look?
