// A consumer of the group `analytics_group`: takes sensor readings one by one, works on each for a
// moment, acknowledges it (XREADGROUP, XACK). Run several beside a producer, each with its name:
//   npm run chapter 4 consumer alpha          reads the stream from its beginning
//   npm run chapter 4 consumer alpha $        makes the group start at the entries to come
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

const [consumer, start = '0'] = process.argv.slice(2);
if (!consumer) {
  console.error('A consumer needs a name that it keeps: npm run chapter 4 consumer alpha');
  process.exit(1);
}
const stream = 'sensor_readings';
const group = 'analytics_group';
const blockMs = 2000;

// When an answer is missing for `socketTimeout`, the line is dead: ioredis cuts it and connects
// again. That has to be longer than BLOCK, whose answer may well take so long.
const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', {
  socketTimeout: blockMs + 1000,
});
// A blocked connection can send nothing else, so the blocking read has one of its own.
const reader = redis.duplicate();
for (const line of [redis, reader]) line.on('error', (error) => console.error(error.message));

// First what this name was given before, then `>`: what nobody was given before. And the same after
// each reconnection: what was handed to the dead line is ours now.
let from = '0';
reader.on('ready', () => (from = '0'));

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());
let readerId: number | undefined;
stop.signal.addEventListener('abort', async () => {
  // Lets a read that waits come back. disconnect() would too, but drop an entry that is on its way.
  while (readerId) {
    await redis.client('UNBLOCK', readerId).catch(() => {});
    await sleep(50); // once more, because the read may have been about to begin
  }
});

async function makeGroup(at: string): Promise<void> {
  await redis.xgroup('CREATE', stream, group, at, 'MKSTREAM').catch((error: Error) => {
    if (!error.message.startsWith('BUSYGROUP')) throw error; // another consumer was first: good
  });
}
await makeGroup(start);
console.log(`joined ${group}`);

while (!stop.signal.aborted) {
  try {
    const asked = from;
    if (asked === '0') {
      await makeGroup('0'); // it may be gone by now; twice is better than never
      readerId = await reader.client('ID'); // each connection has another one
    }
    const reply = await reader // null when nothing came, and otherwise, for COUNT 1:
      .xreadgroup('GROUP', group, consumer, 'COUNT', 1, 'BLOCK', blockMs, 'STREAMS', stream, asked);
    // [['sensor_readings', [['1700000000000-0', ['sensorId', '1', 'temperature', '21.50', ...]]]]]
    const [ofStream] = reply ?? []; // [key, entries], one for each stream that has something
    const [entry] = ofStream?.[1] ?? []; // [id, fields]
    if (!entry && asked === '0') from = '>'; // nothing of our own is left
    if (!entry) continue;
    const [id, fields] = entry;
    console.log(`working on ${id} ${fields?.join(' ') ?? '(trimmed away)'}`);
    await sleep(Math.random() * 500);
    await redis.xack(stream, group, id); // not before the work: a crash in between would lose it
    console.log(`acknowledged ${id}`);
  } catch (error) {
    // The stream or its group are gone (NOGROUP, UNBLOCKED), a fail-over (READONLY, LOADING), ...
    console.error(`trying again in a second: ${error}`);
    from = '0';
    await sleep(1000, undefined, { signal: stop.signal }).catch(() => {});
  }
}
readerId = undefined;
redis.disconnect();
reader.disconnect();

// Try next: give two consumers the same name. Who gets what? Chapter 5 says why it is a bad idea.
