// NOACK: the entry counts as done the moment it is handed out. Two consumers crash in mid-work,
// one read with NOACK, one without. What is left to recover? Needs nothing beside it.
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'workbook:payments';
await redis.del(stream); // a clean start, so that this can be run again
for (const group of ['with_ack', 'without_ack']) {
  await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
}
await redis.xadd(stream, '*', 'euro', 25);

// Each consumer is a connection that takes the payment and then is cut off, work undone.
const careful = redis.duplicate();
await careful.xreadgroup('GROUP', 'with_ack', 'careful', 'STREAMS', stream, '>');
careful.disconnect();

const hasty = redis.duplicate();
await hasty.xreadgroup('GROUP', 'without_ack', 'hasty', 'NOACK', 'STREAMS', stream, '>');
hasty.disconnect();

for (const group of ['with_ack', 'without_ack']) {
  const [pending] = await redis.xpending(stream, group);
  const again = await redis.xreadgroup('GROUP', group, 'next', 'STREAMS', stream, '>');
  console.log(`${group.padEnd(12)} pending: ${pending}, handed out again by '>': ${again ? 1 : 0}`);
}
// With XACK, the payment waits in the pending list until somebody takes it over (chapter 5).
// With NOACK, nobody will ever look at it again, although it is still in the stream.

redis.disconnect();

// Try next: NOACK is right where a lost entry does no harm. Find an example in your own work.
