// Batches of eight, handled at the same time; XAUTOCLAIM; own orders by XCLAIM that asks for the idle time just seen
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

const KEYS = { orders: 'orders:new', dead: 'orders:dead' } as const;
const GROUP = 'order_processors';
const BATCH = 8;

type Fields = string[];
type Entry = [id: string, fields: Fields];
interface Job {
  id: string;
  fields: Fields;
  deliveries: number;
}

export async function publishOrder(redis: Redis, order: Order): Promise<string> {
  const id = await redis.xadd(
    KEYS.orders,
    'MAXLEN',
    '~',
    10_000,
    '*',
    'productId',
    order.productId,
    'userId',
    order.userId,
    'quantity',
    String(order.quantity),
    'timestamp',
    String(order.timestamp),
  );
  return id as string;
}

export async function createGroup(redis: Redis): Promise<void> {
  try {
    await redis.xgroup('CREATE', KEYS.orders, GROUP, 0, 'MKSTREAM');
  } catch (error) {
    if (error instanceof Error && /^BUSYGROUP\b/.test(error.message)) return;
    throw error;
  }
}

class NotAnOrder extends Error {}

function toOrder(fields: Fields): Order {
  const map = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) map.set(fields[i] ?? '', fields[i + 1] ?? '');
  const text = (field: string): string => {
    const value = map.get(field);
    if (value === undefined) throw new NotAnOrder(`no ${field}`);
    return value;
  };
  const whole = (field: string, from: number): number => {
    const value = text(field);
    const number = Number(value);
    if (!/^\d+$/.test(value) || !Number.isSafeInteger(number) || number < from) {
      throw new NotAnOrder(`${field} is ${JSON.stringify(value)}`);
    }
    return number;
  };
  return {
    productId: text('productId'),
    userId: text('userId'),
    quantity: whole('quantity', 1),
    timestamp: whole('timestamp', 0),
  };
}

async function toDead(redis: Redis, job: Job, reason: string | null): Promise<void> {
  const fields = [...job.fields, 'originalId', job.id];
  if (reason !== null) fields.push('reason', reason);
  await redis.xadd(KEYS.dead, '*', ...fields);
  await redis.xack(KEYS.orders, GROUP, job.id);
}

/** One run of a worker, or of `reclaimOrders`: what is over when it has stopped. */
class Run {
  readonly redis: Redis;
  readonly name: string;
  readonly minIdleMs: number;
  readonly handleOrder: OrderHandler;
  readonly signal: AbortSignal | undefined;

  constructor(
    redis: Redis,
    name: string,
    minIdleMs: number,
    handleOrder: OrderHandler,
    signal?: AbortSignal,
  ) {
    this.redis = redis;
    this.name = name;
    this.minIdleMs = minIdleMs;
    this.handleOrder = handleOrder;
    this.signal = signal;
  }

  get stopped(): boolean {
    return this.signal?.aborted ?? false;
  }

  /** Handles a whole batch at once. Answers how many have been handled. */
  async batch(jobs: Job[]): Promise<number> {
    const results = await Promise.allSettled(jobs.map((job) => this.one(job)));
    let handled = 0;
    for (const result of results) {
      if (result.status === 'rejected') throw result.reason;
      if (result.value) handled += 1;
    }
    return handled;
  }

  async one(job: Job): Promise<boolean> {
    if (this.stopped) return false;
    let order: Order;
    try {
      order = toOrder(job.fields);
    } catch (error) {
      if (!(error instanceof NotAnOrder)) throw error;
      await toDead(this.redis, job, error.message);
      return false;
    }
    if (job.deliveries > 3) {
      await toDead(this.redis, job, null);
      return false;
    }
    const succeeded = await this.limited(this.call(order, job.id));
    if (succeeded) await this.redis.xack(KEYS.orders, GROUP, job.id);
    return succeeded;
  }

  async call(order: Order, id: string): Promise<boolean> {
    try {
      await this.handleOrder(order, id);
      return true;
    } catch {
      return false;
    }
  }

  /** What comes later than half a second after the abort has failed. */
  limited(outcome: Promise<boolean>): Promise<boolean> {
    const signal = this.signal;
    if (!signal) return outcome;
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const arm = () => {
        timer = setTimeout(() => resolve(false), 500);
      };
      if (signal.aborted) arm();
      else signal.addEventListener('abort', arm);
      void outcome.then((value) => {
        resolve(value);
        clearTimeout(timer);
        signal.removeEventListener('abort', arm);
      });
    });
  }

  /** Takes over all that has been left. */
  async takeOver(taken?: Set<string>): Promise<number> {
    let handled = 0;
    let cursor = '0-0';
    do {
      const reply = (await this.redis.xautoclaim(
        KEYS.orders,
        GROUP,
        this.name,
        this.minIdleMs,
        cursor,
        'COUNT',
        BATCH,
      )) as [string, Entry[]];
      cursor = reply[0];
      const entries = reply[1].filter((entry) => entry !== null);
      for (const [id] of entries) taken?.add(id);
      handled += await this.batch(await this.counted(entries));
    } while (cursor !== '0-0' && !this.stopped);
    return handled;
  }

  /** XAUTOCLAIM does not tell how often an order has been delivered. */
  async counted(entries: Entry[]): Promise<Job[]> {
    return Promise.all(
      entries.map(async ([id, fields]) => {
        const rows = (await this.redis.xpending(KEYS.orders, GROUP, id, id, 1)) as [
          string,
          string,
          number,
          number,
        ][];
        return { id, fields, deliveries: rows[0]?.[3] ?? 1 };
      }),
    );
  }

  /** The next of this worker's own orders after `after`, and where to go on; null when there are no more. */
  async own(after: string, taken: Set<string>): Promise<{ jobs: Job[]; last: string } | null> {
    const rows = (await this.redis.xpending(KEYS.orders, GROUP, after, '+', BATCH, this.name)) as [
      string,
      string,
      number,
      number,
    ][];
    const last = rows.at(-1)?.[0];
    if (last === undefined) return null;
    const jobs = await Promise.all(
      rows
        .filter(([id]) => !taken.has(id))
        .map(async ([id, , idle, deliveries]) => {
          // Somebody who takes it over in this very moment starts its idle time anew: then this claim gets nothing.
          const [entry] = (await this.redis.xclaim(
            KEYS.orders,
            GROUP,
            this.name,
            idle,
            id,
          )) as (Entry | null)[];
          return entry ? { id, fields: entry[1], deliveries: deliveries + 1 } : null;
        }),
    );
    return { jobs: jobs.filter((job) => job !== null), last: `(${last}` };
  }
}

export async function runWorker(
  redis: Redis,
  name: string,
  handleOrder: OrderHandler,
  options: WorkerOptions,
): Promise<void> {
  const { signal, minIdleMs } = options;
  if (signal.aborted) return;
  const run = new Run(redis, name, minIdleMs, handleOrder, signal);
  const blocking = redis.duplicate();
  blocking.on('error', () => undefined);
  const onAbort = () => blocking.disconnect();
  signal.addEventListener('abort', onAbort);
  try {
    await createGroup(redis);
    const taken = new Set<string>();
    let after: string | null = '-';
    let lastLook = Date.now();
    while (!run.stopped) {
      try {
        if (Date.now() - lastLook >= minIdleMs / 2) {
          await run.takeOver(after === null ? undefined : taken);
          lastLook = Date.now();
        } else if (after !== null) {
          const page: { jobs: Job[]; last: string } | null = await run.own(after, taken);
          if (page === null) {
            after = null;
            taken.clear();
            lastLook = 0;
          } else {
            after = page.last;
            await run.batch(page.jobs);
          }
        } else {
          const reply = (await blocking.xreadgroup(
            'GROUP',
            GROUP,
            name,
            'COUNT',
            BATCH,
            'BLOCK',
            Math.max(5, Math.min(300, Math.floor(minIdleMs / 4))),
            'STREAMS',
            KEYS.orders,
            '>',
          )) as [string, Entry[]][] | null;
          const entries = reply?.[0]?.[1] ?? [];
          await run.batch(entries.map(([id, fields]) => ({ id, fields, deliveries: 1 })));
        }
      } catch (error) {
        if (run.stopped) return;
        if (!(error instanceof Error) || !/^(NOGROUP|UNBLOCKED)\b/.test(error.message)) throw error;
        await createGroup(redis);
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    blocking.disconnect();
  }
}

export async function pendingByWorker(redis: Redis): Promise<Record<string, number>> {
  const reply = (await redis.xpending(KEYS.orders, GROUP)) as [
    number,
    unknown,
    unknown,
    [string, string][] | null,
  ];
  const perWorker = new Map<string, number>();
  for (const [worker, count] of reply[3] ?? []) perWorker.set(worker, Number(count));
  return Object.fromEntries(perWorker);
}

export async function reclaimOrders(
  redis: Redis,
  name: string,
  minIdleMs: number,
  handleOrder: OrderHandler,
): Promise<number> {
  return new Run(redis, name, minIdleMs, handleOrder).takeOver();
}
