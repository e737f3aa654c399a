// A class with a reader and a poller side by side; short blocking reads that are waited for; own orders in reverse
import type { Redis } from 'ioredis';

export interface Order {
  productId: string;
  userId: string;
  quantity: number;
  /** Milliseconds since 1970. */
  timestamp: number;
}

export type OrderHandler = (order: Order, id: string) => Promise<void>;

export interface WorkerOptions {
  signal: AbortSignal;
  minIdleMs: number;
}

const ORDERS = 'orders:new';
const ASIDE = 'orders:dead';
const PROCESSORS = 'order_processors';
const LIMIT = 10_000;
const PAGE = 5;

type Pending = [id: string, consumer: string, idle: number, deliveries: number];
type Entry = [id: string, fields: string[]];

export async function publishOrder(redis: Redis, order: Order): Promise<string> {
  const id = await redis.xadd(
    ORDERS,
    'MAXLEN',
    '~',
    LIMIT,
    '*',
    'productId',
    order.productId,
    'userId',
    order.userId,
    'quantity',
    `${order.quantity}`,
    'timestamp',
    `${order.timestamp}`,
  );
  if (!id) throw new Error('no id');
  return id;
}

export async function createGroup(redis: Redis): Promise<void> {
  try {
    await redis.xgroup('CREATE', ORDERS, PROCESSORS, '0', 'MKSTREAM');
  } catch (error) {
    if (!String((error as Error)?.message).startsWith('BUSYGROUP')) throw error;
  }
}

const hasVanished = (error: unknown): boolean =>
  /^(?:NOGROUP|UNBLOCKED) /.test(String((error as Error)?.message));

const WHOLE = /^\d{1,16}$/;

function check(fields: string[]): [order: Order, reason: null] | [order: null, reason: string] {
  const found: Record<string, string> = Object.create(null);
  for (let i = 0; i < fields.length; i += 2) found[fields[i]!] = fields[i + 1]!;
  const { productId, userId, quantity, timestamp } = found;
  if (
    productId === undefined ||
    userId === undefined ||
    quantity === undefined ||
    timestamp === undefined
  ) {
    return [null, 'a field is missing'];
  }
  const order = { productId, userId, quantity: Number(quantity), timestamp: Number(timestamp) };
  if (!WHOLE.test(quantity) || !Number.isSafeInteger(order.quantity) || order.quantity < 1) {
    return [null, 'quantity is not a whole number from 1 on'];
  }
  if (!WHOLE.test(timestamp) || !Number.isSafeInteger(order.timestamp)) {
    return [null, 'timestamp is not a whole number from 0 on'];
  }
  return [order, null];
}

class OrderWorker {
  readonly #redis: Redis;
  readonly #name: string;
  readonly #handle: OrderHandler;
  readonly #minIdleMs: number;
  readonly #stop = new AbortController();
  readonly #inHand = new Set<string>();
  #touched: Set<string> | null = null;
  #handled = 0;

  constructor(redis: Redis, name: string, handle: OrderHandler, minIdleMs: number) {
    this.#redis = redis;
    this.#name = name;
    this.#handle = handle;
    this.#minIdleMs = minIdleMs;
  }

  get handled(): number {
    return this.#handled;
  }

  get #stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const forward = () => this.#stop.abort();
    signal.addEventListener('abort', forward, { once: true });
    const reader = this.#redis.duplicate();
    reader.on('error', () => {});
    try {
      await createGroup(this.#redis);
      await this.#finishOwn();
      const loops = [this.#readLoop(reader), this.#pollLoop()].map((loop) =>
        loop.catch((error: unknown) => {
          this.#stop.abort();
          throw error;
        }),
      );
      const ends = await Promise.allSettled(loops);
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    } finally {
      signal.removeEventListener('abort', forward);
      reader.disconnect();
    }
  }

  /** What this name has left, the newest first. Looks for what others have left, too, since there may be much of it. */
  async #finishOwn(): Promise<void> {
    const ids: string[] = [];
    await this.#guarded(async () => {
      for (;;) {
        const start = ids.length === 0 ? '-' : `(${ids.at(-1)}`;
        const rows = (await this.#redis.xpending(
          ORDERS,
          PROCESSORS,
          start,
          '+',
          100,
          this.#name,
        )) as Pending[];
        if (rows.length === 0) return;
        for (const [id] of rows) ids.push(id);
      }
    });
    const touched = new Set<string>();
    this.#touched = touched;
    let polled = Date.now();
    for (const id of ids.reverse()) {
      if (this.#stopping) return;
      if (Date.now() - polled >= this.#minIdleMs / 2) {
        await this.#guarded(() => this.poll());
        polled = Date.now();
      }
      if (touched.has(id)) continue;
      await this.#guarded(async () => {
        const [row] = (await this.#redis.xpending(ORDERS, PROCESSORS, id, id, 1)) as Pending[];
        // The idle time makes sure that it is not taken back from somebody who takes it over just now.
        if (row?.[1] === this.#name) await this.#take(row, row[2]);
      });
    }
    this.#touched = null;
  }

  async #readLoop(reader: Redis): Promise<void> {
    while (!this.#stopping) {
      await this.#guarded(async () => {
        const reply = (await reader.xreadgroup(
          'GROUP',
          PROCESSORS,
          this.#name,
          'COUNT',
          1,
          'BLOCK',
          250,
          'STREAMS',
          ORDERS,
          '>',
        )) as [string, Entry[]][] | null;
        for (const [id, fields] of reply?.[0]?.[1] ?? []) await this.#process(id, fields, 1);
      });
    }
  }

  async #pollLoop(): Promise<void> {
    while (!this.#stopping) {
      await this.#guarded(() => this.poll());
      await this.#sleep(this.#minIdleMs / 2);
    }
  }

  /** Takes over whatever nobody has touched for long enough. */
  async poll(): Promise<void> {
    let start = '-';
    while (!this.#stopping) {
      const rows = (await this.#redis.xpending(
        ORDERS,
        PROCESSORS,
        'IDLE',
        this.#minIdleMs,
        start,
        '+',
        PAGE,
      )) as Pending[];
      for (const row of rows) {
        if (this.#stopping) return;
        if (!this.#inHand.has(row[0])) await this.#take(row, this.#minIdleMs);
      }
      const last = rows.at(-1);
      if (last === undefined) return;
      start = `(${last[0]}`;
    }
  }

  async #take([id, , , deliveries]: Pending, idleMs: number): Promise<void> {
    const [entry] = (await this.#redis.xclaim(
      ORDERS,
      PROCESSORS,
      this.#name,
      idleMs,
      id,
    )) as (Entry | null)[];
    if (!entry) return;
    this.#touched?.add(id);
    await this.#process(id, entry[1], deliveries + 1);
  }

  async #process(id: string, fields: string[], deliveries: number): Promise<void> {
    if (this.#stopping) return;
    const [order, reason] = check(fields);
    if (order === null) return this.#putAside(id, [...fields, 'originalId', id, 'reason', reason]);
    if (deliveries > 3) return this.#putAside(id, [...fields, 'originalId', id]);
    this.#inHand.add(id);
    try {
      if (!(await this.#succeeds(order, id))) return;
    } finally {
      this.#inHand.delete(id);
    }
    await this.#redis.xack(ORDERS, PROCESSORS, id);
    this.#handled += 1;
  }

  async #putAside(id: string, fields: string[]): Promise<void> {
    await this.#redis.xadd(ASIDE, '*', ...fields);
    await this.#redis.xack(ORDERS, PROCESSORS, id);
  }

  async #succeeds(order: Order, id: string): Promise<boolean> {
    const outOfTime = new AbortController();
    const late = this.#sleepUntilLate(outOfTime.signal);
    const outcome = await Promise.race([this.#attempt(order, id), late]);
    outOfTime.abort();
    return outcome;
  }

  async #attempt(order: Order, id: string): Promise<boolean> {
    try {
      await this.#handle(order, id);
      return true;
    } catch {
      return false;
    }
  }

  /** False, half a second after the stop. Never, when `over` is aborted before. */
  #sleepUntilLate(over: AbortSignal): Promise<false> {
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const begin = () => {
        timer = setTimeout(resolve, 500, false);
      };
      signal.addEventListener('abort', begin, { once: true });
      over.addEventListener(
        'abort',
        () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', begin);
        },
        { once: true },
      );
    });
  }

  #sleep(ms: number): Promise<void> {
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
  }

  /** What has vanished is made again. */
  async #guarded(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!hasVanished(error)) throw error;
      await createGroup(this.#redis);
    }
  }
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  options: WorkerOptions,
): Promise<void> {
  await new OrderWorker(redis, name, handleOrder, options.minIdleMs).run(options.signal);
}

export async function pendingByWorker(redis: Redis): Promise<Record<string, number>> {
  const [, , , workers] = (await redis.xpending(ORDERS, PROCESSORS)) as [
    number,
    string,
    string,
    [string, string][],
  ];
  return Object.fromEntries((workers ?? []).map(([worker, held]) => [worker, Number(held)]));
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  const worker = new OrderWorker(redis, name, handleOrder, minIdleMs);
  await worker.poll();
  return worker.handled;
}
