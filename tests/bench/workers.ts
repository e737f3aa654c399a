// How many jobs a second does a worker do? The order worker of exercise 1, beside a bare loop and BullMQ, on one server:
//   npm run bench:workers
//   npm run bench:workers -- --rounds 9 --jobs 20000
//
// The jobs have nothing to do in them: what is measured is what it costs to hand a job out and to be done with it. The rounds
// are interleaved, so that all see the same machine, and each begins with another one. Medians.
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { runWorker } from '../../solutions/01-order-processing/orders.ts';
import { ROOT } from '../../system/paths.ts';
import { dismissGuardian } from '../../system/process/guardian.ts';
import { run } from '../../system/process/run-program.ts';
import { findOrFetchRedis } from '../../system/redis/fetch-redis.ts';
import { cacheFolder } from '../../system/redis/find-redis.ts';
import { startServer } from '../../system/redis/start-server.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    jobs: { type: 'string', default: '20000' },
  },
});
const ROUNDS = Number(values.rounds);
const JOBS = Number(values.jobs);
const AT_ONCE = 1000;
const STREAM = 'orders:new';
const GROUP = 'order_processors';
const ORDER = { productId: 'Tea', userId: 'user-1', quantity: 1, timestamp: 1_790_000_000_000 };
const BAR = 28;

/** One that does jobs. To have another one measured, add it to `contenders`. */
interface Contender {
  readonly name: string;
  /** Puts so many jobs onto an empty server. */
  fill(redis: Redis, jobs: number): Promise<void>;
  /** Does all of them, and resolves when the last is done with. */
  work(redis: Redis, jobs: number): Promise<void>;
}

/** What BullMQ offers, as far as it is needed here. */
interface BullMQ {
  readonly Queue: new (
    name: string,
    options: { connection: object },
  ) => {
    addBulk(jobs: readonly { name: string; data: object }[]): Promise<unknown>;
    close(): Promise<void>;
  };
  readonly Worker: new (
    name: string,
    handle: () => Promise<void>,
    options: { connection: object; concurrency: number },
  ) => {
    on(event: 'completed', listener: () => void): unknown;
    close(): Promise<void>;
  };
}

const BULLMQ = '6.7.0';
const BASE = 'BullMQ, concurrency 1';

/**
 * BullMQ, fetched once into the workbook's cache, with the ioredis that we have. It is no package of ours: 13 MB and seven
 * packages for everybody who learns, and only who measures would run them.
 */
async function fetchBullMQ(): Promise<BullMQ> {
  const folder = join(cacheFolder(), `bullmq-${BULLMQ}`);
  if (!existsSync(folder)) {
    const unfinished = `${folder}.${process.pid}`;
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const packages = [`bullmq@${BULLMQ}`, `ioredis@${dependencies.ioredis}`];
    const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-save'];
    const { code, output } = await run('npm', [
      'install',
      '--prefix',
      unfinished,
      ...quiet,
      ...packages,
    ]);
    if (code === 0) renameSync(unfinished, folder);
    else rmSync(unfinished, { recursive: true, force: true });
    if (code !== 0) throw new Error(`npm cannot fetch BullMQ ${BULLMQ}:\n${output}`);
  }
  const main = join(folder, 'node_modules', 'bullmq', 'dist', 'cjs', 'index.js');
  return import(pathToFileURL(main).href);
}

/** All orders at once, in pipelines. */
async function addOrders(redis: Redis, jobs: number): Promise<void> {
  for (let count = 0; count < jobs; count += AT_ONCE) {
    const pipeline = redis.pipeline();
    const fields = Object.entries(ORDER).flat();
    for (let i = count; i < Math.min(jobs, count + AT_ONCE); i++) {
      pipeline.xadd(STREAM, '*', ...fields);
    }
    await pipeline.exec();
  }
  await redis.xgroup('CREATE', STREAM, GROUP, '0');
}

const solution: Contender = {
  name: 'the order worker',
  fill: addOrders,
  work: async (redis, jobs) => {
    const abort = new AbortController();
    let done = 0;
    const handle = async () => {
      if (++done === jobs) abort.abort(); // this one is acknowledged before the worker returns
    };
    await runWorker(redis, 'alice', handle, { signal: abort.signal, minIdleMs: 60_000 });
  },
};

/** What Redis itself can do: no handler, no care. A crash here loses nothing, and repeats up to a hundred. */
const bareLoop: Contender = {
  name: 'a bare loop, COUNT 100',
  fill: addOrders,
  work: async (redis, jobs) => {
    const reader = redis.duplicate();
    for (let done = 0; done < jobs; ) {
      const position = ['COUNT', 100, 'BLOCK', 1000, 'STREAMS', STREAM, '>'] as const;
      const reply = await reader.xreadgroup('GROUP', GROUP, 'alice', ...position);
      const ids = reply?.[0]?.[1].map(([id]) => id) ?? [];
      if (ids.length > 0) await reader.xack(STREAM, GROUP, ...ids);
      done += ids.length;
    }
    reader.disconnect();
  },
};

function bullMQ({ Queue, Worker }: BullMQ, concurrency: number): Contender {
  const connectionOf = ({ options: { host, port } }: Redis) => ({
    connection: { host, port, maxRetriesPerRequest: null },
  });
  return {
    name: `BullMQ, concurrency ${concurrency}`,
    fill: async (redis, jobs) => {
      const queue = new Queue('orders', connectionOf(redis));
      for (let count = 0; count < jobs; count += AT_ONCE) {
        const length = Math.min(AT_ONCE, jobs - count);
        await queue.addBulk(Array.from({ length }, () => ({ name: 'order', data: ORDER })));
      }
      await queue.close();
    },
    work: async (redis, jobs) => {
      let done = 0;
      let finish = () => {};
      const finished = new Promise<void>((resolve) => {
        finish = resolve;
      });
      const worker = new Worker('orders', async () => {}, { ...connectionOf(redis), concurrency });
      worker.on('completed', () => {
        if (++done === jobs) finish();
      });
      await finished;
      await worker.close();
    },
  };
}

/** Jobs a second, in each round, by the contender's name. */
async function measure(contenders: readonly Contender[], redis: Redis) {
  const rates = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  // The first round warms up, and does not count.
  for (let round = 0; round <= ROUNDS; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length];
      if (!contender) continue;
      await redis.flushall();
      await contender.fill(redis, JOBS);
      const started = performance.now();
      await contender.work(redis, JOBS);
      const seconds = (performance.now() - started) / 1000;
      if (round > 0) rates.get(contender.name)?.push(JOBS / seconds);
    }
  }
  return rates;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** A table with bars. A ratio is the median of the ratios of all rounds: both sides of each saw the same moment. */
function print(rates: ReadonlyMap<string, readonly number[]>): void {
  const base = rates.get(BASE) ?? [];
  const rows = [...rates].map(([name, all]) => ({
    name,
    rate: median(all),
    ratio: median(all.map((rate, round) => rate / (base[round] ?? Number.NaN))),
  }));
  const most = Math.max(...rows.map(({ rate }) => rate));
  console.log(`${''.padEnd(25)}    jobs/s   ratio`);
  for (const { name, rate, ratio } of rows) {
    const bar = '█'.repeat(Math.max(1, Math.round((rate / most) * BAR)));
    const number = Math.round(rate).toLocaleString('en').padStart(9);
    console.log(`${name.padEnd(25)} ${number}  ${ratio.toFixed(2).padStart(6)}  ${bar}`);
  }
}

const binary = await findOrFetchRedis(new AbortController().signal);
const bull = await fetchBullMQ();
const server = await startServer(binary);
const redis = new Redis(server.url);
const contenders = [solution, bareLoop, bullMQ(bull, 1), bullMQ(bull, 50)];
console.log(
  `${JOBS} jobs with nothing to do in them, ${binary.name} ${binary.version}, medians of`,
);
console.log(`${ROUNDS} rounds; the ratio is to ${BASE}.\n`);
print(await measure(contenders, redis));
redis.disconnect();
await server.stop();
await dismissGuardian();
