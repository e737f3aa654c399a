// How a worker stops in the middle of its work: it begins nothing more, gives the entry in its hands a
// moment, and leaves behind what takes longer (AbortSignal, Promise.race). Needs nothing beside it.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'workbook:stopping';
const group = 'workers';
const graceMs = 300;

await redis.del(stream); // a clean start, so that this can be run again
await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
for (const id of ['1-0', '2-0', '3-0']) await redis.xadd(stream, id, 'task', `number ${id}`);
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

/** Waits for the work; once the signal is aborted, for no longer than `graceMs`. Never rejects. */
async function finish(work: () => Promise<void>, signal: AbortSignal) {
  const over = new AbortController();
  const end = async () => {
    try {
      await work();
      return 'done';
    } catch {
      return 'failed'; // it may throw at once, or reject later, with anything or nothing
    }
  };
  const grace = async () => {
    // The event is not repeated for those who come late: look at `aborted` first.
    if (!signal.aborted) await once(signal, 'abort', { signal: over.signal });
    await sleep(graceMs, undefined, { signal: over.signal });
    return 'left behind';
  };
  try {
    return await Promise.race([end(), grace()]);
  } finally {
    over.abort(); // takes the listener off the signal, and ends the timer
  }
}

/** The second task hangs, and is told to stop: as if somebody had pressed Ctrl+C in the middle of it. */
async function work(id: string): Promise<void> {
  console.log(`working on ${id}`);
  if (id === '2-0') stop.abort();
  await sleep(id === '2-0' ? 1500 : 100);
  console.log(`${id} has come to its end`); // for 2-0 too late: nobody waits any more
}

const reply = await redis.xreadgroup('GROUP', group, 'alpha', 'STREAMS', stream, '>');
for (const [id] of reply?.[0]?.[1] ?? []) {
  if (stop.signal.aborted) break; // what is not begun stays pending
  const outcome = await finish(() => work(id), stop.signal);
  if (outcome === 'done') await redis.xack(stream, group, id);
  console.log(`${id}: ${outcome}`);
}

const pending = (await redis.xpending(stream, group, '-', '+', 10)) as [id: string][];
console.log('still pending:', pending.map(([id]) => id).join(' ')); // → 2-0 3-0
redis.disconnect();

// Try next: let the second task take 200 ms instead of 1500. Which entries stay pending then?
