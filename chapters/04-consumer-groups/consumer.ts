// A consumer of the group `analytics_group`: takes sensor readings one by one, works on each for a
// moment, acknowledges it (XREADGROUP, XACK). Run several beside a producer, each with its name:
//   npm run chapter 4 consumer alpha          reads the stream from its beginning
//   npm run chapter 4 consumer alpha $        makes the group start at the entries to come
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

const [consumer = `consumer_${process.pid}`, start = '0'] = process.argv.slice(2);
const stream = 'sensor_readings';
const group = 'analytics_group';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
// A blocked connection can send nothing else, so the blocking read has one of its own.
const reader = redis.duplicate();

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
stop.signal.addEventListener('abort', () => reader.disconnect());

async function makeGroup(from: string): Promise<void> {
  try {
    // From `0`, the group sees what is in the stream already. From `$`, it would never see that, and
    // nobody would be told. MKSTREAM makes the stream when there is none yet.
    await redis.xgroup('CREATE', stream, group, from, 'MKSTREAM');
  } catch (error) {
    // Whoever comes second finds the group made; where it stands is then not ours to choose.
    if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error;
  }
}
await makeGroup(start);
console.log(`joined ${group}`);

while (!stop.signal.aborted) {
  const reply = await reader
    // `>`: entries that no consumer of this group was given before.
    .xreadgroup('GROUP', group, consumer, 'COUNT', 1, 'BLOCK', 5000, 'STREAMS', stream, '>')
    .catch(async (error: Error) => {
      if (stop.signal.aborted) return null; // "Connection is closed.": that was us
      if (!/^(NOGROUP|UNBLOCKED)/.test(error.message)) throw error;
      console.log('the stream or its group is gone: making them again');
      await makeGroup('0'); // twice is better than never
      return null;
    });
  for (const [, entries] of reply ?? []) {
    for (const [id, fields] of entries) {
      console.log(`working on ${id} (${fields?.slice(0, 2).join(' ')})`);
      await sleep(Math.random() * 500);
      // Only now: acknowledged before the work, a crash in between would lose the entry.
      await redis.xack(stream, group, id);
      console.log(`acknowledged ${id}`);
    }
  }
}

await redis.quit();

// Try next: give two consumers the same name. Who gets what? Chapter 5 says why it is a bad idea.
