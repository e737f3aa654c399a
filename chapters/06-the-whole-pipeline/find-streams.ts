// Which streams are there? SCAN walks through all keys, page by page, while others go on working.
// Needs nothing beside it.
import { Redis } from 'ioredis';

const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const prefix = 'workbook:visits:';
for (const user of ['anna', 'ben', 'carla']) await redis.xadd(prefix + user, '*', 'page', 'home');
await redis.set(`${prefix}count`, 3); // the name fits, but it is no stream

let pages = 0;
const found = new Set<string>(); // a set, because a key may come twice
const scan = redis.scanStream({ match: `${prefix}*`, type: 'stream', count: 1000 });
for await (const page of scan) {
  pages++;
  for (const key of page as string[]) found.add(key); // a page may be empty, and not the last
}

console.log([...found].sort().join(' ')); // the three streams, and not the count
console.log('pages:', pages);
await redis.del(...found, `${prefix}count`);
redis.disconnect();

// Try next: `count: 1`. How many pages are there now, and how many of them are empty?
