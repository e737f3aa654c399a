// Style: a class; no BLOCK, but short pauses that an abort cuts short; XADD and then an exact XTRIM.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';

export interface Order {
  productId: string;
  userId: string;
  quantity: number;
  timestamp: number;
}
export type OrderHandler = (order: Order, id: string) => Promise<void>;
export interface WorkerOptions {
  signal: AbortSignal;
  minIdleMs: number;
}
type Entry = [id: string, fields: string[] | null];
type Pending = [id: string, consumer: string, idleMs: number, deliveries: number];

const STREAM = 'orders:new';
const GROUP = 'order_processors';

export async function publishOrder(redis: Redis, order: Order): Promise<string> {
  const fields = [order.productId, order.userId, order.quantity, order.timestamp];
  const names = ['productId', 'userId', 'quantity', 'timestamp'];
  const id = await redis.xadd(STREAM, '*', ...names.flatMap((name, i) => [name, fields[i] ?? '']));
  await redis.xtrim(STREAM, 'MAXLEN', 10_000);
  return String(id);
}

export async function createGroup(redis: Redis): Promise<void> {
  await redis.xgroup('CREATE', STREAM, GROUP, '0', 'MKSTREAM').catch((error: Error) => {
    if (!error.message.includes('BUSYGROUP')) throw error;
  });
}

export async function pendingByWorker(redis: Redis): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let start = '-';
  for (;;) {
    const page = (await redis.xpending(STREAM, GROUP, start, '+', 50)) as Pending[];
    for (const [, name] of page) counts[name] = (counts[name] ?? 0) + 1;
    const last = page.at(-1);
    if (!last) return counts;
    start = `(${last[0]}`;
  }
}

class Worker {
  readonly #redis: Redis;
  readonly #name: string;
  readonly #handle: OrderHandler;

  constructor(redis: Redis, name: string, handle: OrderHandler) {
    this.#redis = redis;
    this.#name = name;
    this.#handle = handle;
  }

  async run({ signal, minIdleMs }: WorkerOptions): Promise<void> {
    await createGroup(this.#redis);
    while (!signal.aborted && (await this.#read('0', signal)) > 0)
      if (!(await this.#progress())) break;
    let looked = 0;
    while (!signal.aborted) {
      if (Date.now() >= looked + minIdleMs / 3) {
        await this.reclaim(minIdleMs);
        looked = Date.now();
      }
      const count = await this.#read('>', signal);
      if (count === 0) await sleep(20, undefined, { signal }).catch(() => {});
    }
  }

  async reclaim(minIdleMs: number): Promise<number> {
    let cursor = '0-0';
    let handled = 0;
    do {
      const page = await this.#redis.xautoclaim(
        STREAM,
        GROUP,
        this.#name,
        minIdleMs,
        cursor,
        'COUNT',
        25,
      );
      const [next, entries] = page as [string, (Entry | null)[]];
      for (const entry of entries) if (entry && (await this.#one(entry))) handled++;
      cursor = next;
    } while (cursor !== '0-0');
    return handled;
  }

  #failed = 0;
  /** Whether reading one's own history again makes sense: not when all that is left of it has just failed. */
  async #progress(): Promise<boolean> {
    const failed = this.#failed;
    this.#failed = 0;
    return failed === 0;
  }

  async #read(id: string, signal: AbortSignal): Promise<number> {
    const reply = await this.#redis.xreadgroup(
      'GROUP',
      GROUP,
      this.#name,
      'COUNT',
      4,
      'STREAMS',
      STREAM,
      id,
    );
    const entries = reply?.[0]?.[1] ?? [];
    for (const entry of entries) {
      if (signal.aborted) break;
      await this.#one(entry);
    }
    return entries.length;
  }

  async #one([id, fields]: Entry): Promise<boolean> {
    if (!fields) {
      await this.#redis.xack(STREAM, GROUP, id);
      return false;
    }
    const [info] = (await this.#redis.xpending(STREAM, GROUP, id, id, 1)) as Pending[];
    if ((info?.[3] ?? 0) > 3) {
      await this.#redis.xadd('orders:dead', '*', ...fields, 'originalId', id);
      await this.#redis.xack(STREAM, GROUP, id);
      return false;
    }
    try {
      await this.#handle(parse(fields), id);
    } catch {
      this.#failed++;
      return false;
    }
    await this.#redis.xack(STREAM, GROUP, id);
    return true;
  }
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  options: WorkerOptions,
): Promise<void> {
  await new Worker(redis, name, handleOrder).run(options);
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  return new Worker(redis, name, handleOrder).reclaim(minIdleMs);
}

function parse(fields: string[]): Order {
  const map = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) map.set(fields[i] ?? '', fields[i + 1] ?? '');
  return {
    productId: map.get('productId') ?? '',
    userId: map.get('userId') ?? '',
    quantity: Number(map.get('quantity')),
    timestamp: Number(map.get('timestamp')),
  };
}
