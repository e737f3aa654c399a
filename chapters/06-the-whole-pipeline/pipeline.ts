// A whole pipeline in one program: a producer and two workers on `iot_data_stream`, which share the
// group `data_processors` and, busy or not, take over what was left for 5 s (XAUTOCLAIM).
//   npm run chapter 6 pipeline 4      produces for 4 seconds instead of 15, then drains the stream
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

type Entry = [id: string, fields: string[] | null];

const seconds = Number(process.argv[2] ?? 15);
const stream = 'iot_data_stream';
const group = 'data_processors';
const abandonedAfterMs = 5000; // ten times the slowest work
const blockMs = 1000;

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', {
  socketTimeout: blockMs + 2000, // a line that is silent for longer is dead: cut it, connect again
});
redis.on('error', (error) => console.error(error.message));
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());
const between = (low: number, high: number) => (low + Math.random() * (high - low)).toFixed(2);
let producing = true;

async function produce(): Promise<void> {
  const end = Date.now() + seconds * 1000;
  for (let device = 100; Date.now() < end && !stop.signal.aborted; device++) {
    const air = ['temperature', between(20, 35), 'pressure', between(900, 1100)];
    await redis // MAXLEN is a fuse, no more: trimming asks no consumer whether it is done
      .xadd(stream, 'MAXLEN', '~', 5000, '*', 'device_id', device, ...air, 'timestamp', Date.now())
      .then((id) => console.log(`producer: added ${id} from device ${device}`))
      .catch((error) => console.error(`producer: device ${device} was not stored: ${error}`));
    await sleep(100);
  }
  console.log('producer: done');
  producing = false;
}

async function handle(worker: string, how: string, [id, fields]: Entry): Promise<void> {
  console.log(`${worker}: ${how} ${id} (${fields?.slice(0, 2).join(' ') ?? 'trimmed away'})`);
  if (fields) await sleep(100 + Math.random() * 400); // the work
  await redis.xack(stream, group, id);
  console.log(`${worker}: acknowledged ${id}`);
}

/** Works until it is stopped, or until the producer is done and nothing is left to do. */
async function work(worker: string): Promise<void> {
  const reader = redis.duplicate(); // on one that is shared, each would wait for the other's read
  reader.on('error', (error) => console.error(`${worker}: ${error.message}`));
  let [nextLook, cursor] = [0, '0-0'];
  while (!stop.signal.aborted) {
    try {
      if (Date.now() >= nextLook) {
        await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM').catch((error: Error) => {
          if (!error.message.startsWith('BUSYGROUP')) throw error;
        });
        // Not ten: those that wait in our hands would grow too old, and be taken from us.
        const claim = redis.xautoclaim(stream, group, worker, abandonedAfterMs, cursor, 'COUNT', 1);
        const [next, [abandoned]] = (await claim) as [cursor: string, entries: Entry[]];
        if (next === '0-0') nextLook = Date.now() + abandonedAfterMs / 2; // that was all, for now
        cursor = next;
        if (abandoned) await handle(worker, 'taking over', abandoned);
      }
      const position = ['COUNT', 1, 'BLOCK', blockMs, 'STREAMS', stream, '>'] as const;
      const reply = await reader.xreadgroup('GROUP', group, worker, ...position);
      for (const entry of reply?.[0]?.[1] ?? []) await handle(worker, 'working on', entry);
      if (!reply && !producing && (await redis.xpending(stream, group))[0] === 0) break;
    } catch (error) {
      console.error(`${worker}: trying again in a second: ${error}`);
      await sleep(1000);
      nextLook = 0; // first of all: is the group still there?
    }
  }
  reader.disconnect();
  console.log(`${worker}: shut down`);
}

await Promise.all([produce(), work('worker-1'), work('worker-2')]);
redis.disconnect();

// Try next: kill it with `kill -9` and start it again. Which line tells that nothing was lost?
