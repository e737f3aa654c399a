// Everything Redis knows about `sensor_readings`: XINFO STREAM, XINFO GROUPS, XINFO CONSUMERS.
// Run the producer and some consumers beside it.
import { Redis } from 'ioredis';

type Value = string | number | null;

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const stream = 'sensor_readings';

/** XINFO answers with flat lists: name, value, name, value. */
function toObject(list: Value[]): Record<string, Value> {
  const object: Record<string, Value> = {};
  for (let i = 0; i < list.length; i += 2) object[String(list[i])] = list[i + 1] ?? null;
  return object;
}

if ((await redis.exists(stream)) === 0) {
  console.log(`There is no ${stream} yet. Run the producer first: npm run chapter 2 producer`);
} else {
  const info = toObject((await redis.xinfo('STREAM', stream)) as Value[]);
  console.log(`${stream}: ${info.length} entries, ${info.groups} group(s)`);
  console.log(`last id given out: ${info['last-generated-id']}`);
  // Less the length, that is how many are gone: trimmed, or deleted.
  console.log(`entries ever added: ${info['entries-added']}`);

  for (const list of (await redis.xinfo('GROUPS', stream)) as Value[][]) {
    const group = toObject(list);
    console.log(`\ngroup ${group.name}: ${group.consumers} consumer(s), ${group.pending} pending`);
    console.log(`  handed out up to ${group['last-delivered-id']}`);
    // The lag: entries not yet handed out to anyone. Null where Redis cannot tell.
    console.log(`  lag ${group.lag ?? 'unknown'}`);

    const consumers = (await redis.xinfo('CONSUMERS', stream, String(group.name))) as Value[][];
    for (const consumer of consumers.map(toObject)) {
      // `idle` counts from the last attempt to read, `inactive` (7.2) from the last that succeeded.
      console.log(
        `  consumer ${consumer.name}: ${consumer.pending} pending, idle ${consumer.idle} ms`,
      );
    }
  }
}

redis.disconnect();

// Try next: which two of these numbers would you raise an alarm on, and at what value?
