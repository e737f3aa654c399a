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
  readonly #signal: AbortSignal | undefined;
  /** Half a second after the abort. */
  readonly #late: Promise<'late'>;

  constructor(redis: Redis, name: string, handle: OrderHandler, signal?: AbortSignal) {
    this.#redis = redis;
    this.#name = name;
    this.#handle = handle;
    this.#signal = signal;
    this.#late = new Promise((resolve) => {
      signal?.addEventListener('abort', () => setTimeout(resolve, 540, 'late'), { once: true });
    });
  }

  get #isStopped(): boolean {
    return this.#signal?.aborted ?? false;
  }

  async run(minIdleMs: number): Promise<void> {
    let after = '0'; // what this name has left; then '>'
    let looked = 0;
    while (!this.#isStopped) {
      try {
        await createGroup(this.#redis);
        while (!this.#isStopped) {
          if (after === '>' && Date.now() >= looked + minIdleMs / 3) {
            await this.reclaim(minIdleMs);
            looked = Date.now();
          }
          const last = await this.#read(after);
          if (after !== '>') after = last ?? '>';
          else if (!last) await this.#nap();
        }
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('NOGROUP'))) throw error;
      }
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
        8,
      );
      const [next, entries] = page as [string, (Entry | null)[]];
      for (const entry of entries) if (entry && (await this.#one(entry))) handled++;
      cursor = next;
    } while (cursor !== '0-0' && !this.#isStopped);
    return handled;
  }

  async #nap(): Promise<void> {
    await sleep(20, undefined, { signal: this.#signal }).catch(() => {});
  }

  /** Works on a few entries, and returns the id of the last of them. */
  async #read(id: string): Promise<string | undefined> {
    const place = ['COUNT', 4, 'STREAMS', STREAM, id] as const;
    const reply = await this.#redis.xreadgroup('GROUP', GROUP, this.#name, ...place);
    const entries = reply?.[0]?.[1] ?? [];
    for (const entry of entries) await this.#one(entry);
    return entries.at(-1)?.[0];
  }

  async #one([id, fields]: Entry): Promise<boolean> {
    if (!fields) {
      await this.#redis.xack(STREAM, GROUP, id);
      return false;
    }
    const order = parse(fields);
    if (typeof order === 'string') return await this.#bury(id, fields, order);
    const [info] = (await this.#redis.xpending(STREAM, GROUP, id, id, 1)) as Pending[];
    if ((info?.[3] ?? 0) > 3) return await this.#bury(id, fields, 'poison');
    if (this.#isStopped) return false;
    try {
      const outcome = await Promise.race([this.#handle(order, id), this.#late]);
      if (outcome === 'late') return false;
    } catch {
      return false;
    }
    await this.#redis.xack(STREAM, GROUP, id);
    return true;
  }

  async #bury(id: string, fields: string[], reason: string): Promise<false> {
    await this.#redis.xadd('orders:dead', '*', ...fields, 'originalId', id, 'reason', reason);
    await this.#redis.xack(STREAM, GROUP, id);
    return false;
  }
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  options: WorkerOptions,
): Promise<void> {
  await new Worker(redis, name, handleOrder, options.signal).run(options.minIdleMs);
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  return new Worker(redis, name, handleOrder).reclaim(minIdleMs);
}

/** The order, or what is wrong with it. */
function parse(fields: string[]): Order | string {
  const map = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) map.set(fields[i] ?? '', fields[i + 1] ?? '');
  const [productId, userId] = [map.get('productId'), map.get('userId')];
  const [quantity, timestamp] = [map.get('quantity') ?? '', map.get('timestamp') ?? ''];
  if (productId === undefined) return 'no productId';
  if (userId === undefined) return 'no userId';
  if (!/^[0-9]+$/.test(quantity) || Number(quantity) < 1) return 'no such quantity';
  if (!/^[0-9]+$/.test(timestamp)) return 'no such timestamp';
  return { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) };
}
