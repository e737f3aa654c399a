// A whole pipeline in one program: a producer and two workers on `iot_data_stream`, which share the
// group `data_processors`. Idle workers take over what was left for 5 s (XPENDING, XAUTOCLAIM).
//   npm run chapter 6 pipeline 4      produces for 4 seconds instead of 15, then drains the stream
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

type Entry = [id: string, fields: string[] | null];

const seconds = Number(process.argv[2] ?? 15);
if (!(seconds > 0)) {
  console.error(`The time is a number of seconds, not '${process.argv[2]}'.`);
  process.exit(1);
}
const stream = 'iot_data_stream';
const group = 'data_processors';
const abandonedAfterMs = 5000;

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());

const between = (low: number, high: number) => low + Math.random() * (high - low);

async function produce(): Promise<void> {
  const end = Date.now() + seconds * 1000;
  for (let device = 100; Date.now() < end && !stop.signal.aborted; device++) {
    const reading = {
      device_id: device,
      temperature: between(20, 35).toFixed(2),
      pressure: between(900, 1100).toFixed(2),
      timestamp: Date.now(),
    };
    // A fuse against a full memory, no more: trimming asks no consumer whether it is done.
    const fields = Object.entries(reading).flat();
    const id = await redis.xadd(stream, 'MAXLEN', '~', 5000, '*', ...fields);
    console.log(`producer: added ${id} from device ${device}`);
    await sleep(100, undefined, { signal: stop.signal }).catch(() => {});
  }
  console.log('producer: done');
}

async function handle(worker: string, [id, fields]: Entry): Promise<void> {
  if (fields) {
    console.log(`${worker}: working on ${id} (${fields.slice(0, 2).join(' ')})`);
    await sleep(between(100, 500));
  } // else it was trimmed away while it was pending: there is nothing left to work on
  await redis.xack(stream, group, id);
  console.log(`${worker}: acknowledged ${id}`);
}

/** Takes over one entry that somebody has left alone for too long, and works on it. */
async function recover(worker: string): Promise<void> {
  const page = redis.xautoclaim(stream, group, worker, abandonedAfterMs, '0-0', 'COUNT', 1);
  const [, entries] = (await page) as [cursor: string, entries: (Entry | null)[]];
  for (const entry of entries) {
    if (!entry) continue;
    console.log(`${worker}: taking over ${entry[0]}`);
    await handle(worker, entry);
  }
}

/** Works until it is stopped, or until the producer is done and nothing is left to do. */
async function work(worker: string, producing: { done: boolean }): Promise<void> {
  // One connection per blocking read: on a shared one, the workers would wait for each other.
  const reader = redis.duplicate();
  const disconnect = () => reader.disconnect();
  stop.signal.addEventListener('abort', disconnect);

  while (!stop.signal.aborted) {
    const reply = await reader
      .xreadgroup('GROUP', group, worker, 'COUNT', 1, 'BLOCK', 2000, 'STREAMS', stream, '>')
      .catch((error: unknown) => {
        if (stop.signal.aborted) return null; // "Connection is closed.": that was us
        throw error;
      });
    for (const [, entries] of reply ?? []) {
      for (const entry of entries) await handle(worker, entry);
    }
    if (!reply && !stop.signal.aborted) {
      const [pending] = (await redis.xpending(stream, group)) as [pending: number];
      console.log(`${worker}: nothing new for 2 s, ${pending} pending`);
      if (pending === 0 && producing.done) break;
      if (pending > 0) await recover(worker);
    }
  }
  disconnect();
  console.log(`${worker}: shut down`);
}

await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM').catch((error: Error) => {
  if (!error.message.startsWith('BUSYGROUP')) throw error;
});

const producing = { done: false };
await Promise.all([
  produce().finally(() => {
    producing.done = true;
  }),
  work('worker-1', producing),
  work('worker-2', producing),
]);
await redis.quit();

// Try next: kill it with `kill -9` and start it again. Which line tells that nothing was lost?
