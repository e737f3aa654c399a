// What "append-only" means: no command changes an entry or adds one in the middle,
// but entries can be removed: by id (XDEL) or from the old end (XTRIM).
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'workbook:door_log';
await redis.del(stream); // a clean start, so that this can be run again

for (let minute = 1; minute <= 6; minute++) {
  // Ids of our own make the example easy to read. Real streams take `*`.
  await redis.xadd(stream, `${minute}-0`, 'door', 'front', 'event', minute % 2 ? 'open' : 'close');
}

async function show(what: string) {
  const entries = await redis.xrange(stream, '-', '+');
  console.log(`${what.padEnd(22)} ${entries.map(([id]) => id).join(' ') || '(empty)'}`);
}
await show('six entries:');

// There is no XSET: to correct an event, append another one that says so.
await redis.xadd(stream, '7-0', 'door', 'front', 'event', 'correction', 'of', '2-0');
await show('a correction:');

console.log('XDEL answers', await redis.xdel(stream, '3-0')); // → 1, the number of entries removed
await show('without 3-0:');

console.log('XTRIM answers', await redis.xtrim(stream, 'MAXLEN', '=', 2)); // → 4 removed
await show('the newest two:');

await redis.xdel(stream, '6-0', '7-0');
await show('all removed:');

// An empty stream is still a stream (an emptied list or hash would be gone). It remembers its last
// id, so that it never gives one out twice.
console.log('exists:', await redis.exists(stream), 'length:', await redis.xlen(stream)); // → 1 and 0
const again = await redis.xadd(stream, '7-0', 'door', 'front').catch((error: Error) => error);
console.log('7-0 once more:', again instanceof Error ? `refused: ${again.message}` : again);

redis.disconnect();

// Try next: DEL the stream instead of emptying it. Is '7-0' still refused?
