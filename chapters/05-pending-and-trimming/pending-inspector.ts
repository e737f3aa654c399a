// Shows what `analytics_group` has handed out and nobody has acknowledged: XPENDING as a summary, then
// entry by entry. Run a consumer of chapter 4 in another terminal, kill it, and look.
import { Redis } from 'ioredis';

// ioredis leaves the replies of XPENDING untyped: it has two shapes.
type Summary = [count: number, first: string, last: string, consumers: [string, string][] | null];
type Detail = [id: string, consumer: string, idleMs: number, deliveries: number];

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'sensor_readings';
const group = 'analytics_group';

try {
  const [count, first, last, consumers] = (await redis.xpending(stream, group)) as Summary;
  console.log(`pending in ${group}: ${count}`);
  if (count > 0) console.log(`from ${first} to ${last}`);
  for (const [consumer, pending] of consumers ?? []) console.log(`  ${consumer}: ${pending}`);

  // A range and a count make it the detailed form. A consumer's name may follow the count, and
  // `IDLE 60000` may stand before the range: only what nobody has touched for a minute.
  const details = (await redis.xpending(stream, group, '-', '+', 10)) as Detail[];
  for (const [id, consumer, idleMs, deliveries] of details) {
    console.log(`${id} held by ${consumer}, idle ${idleMs} ms, delivered ${deliveries} time(s)`);
  }
} catch (error) {
  // NOGROUP: neither the stream nor the group need to exist already when this is run.
  if (!(error instanceof Error && error.message.startsWith('NOGROUP'))) throw error;
  console.log(`There is no ${group} yet. Run a consumer first: npm run chapter 4 consumer alpha`);
}

redis.disconnect();

// Try next: run it every second. Which entries only pass through, and which ones stay?
