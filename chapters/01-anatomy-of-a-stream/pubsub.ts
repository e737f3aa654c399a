// Pub/Sub loses what a stream keeps: the same three messages go out by PUBLISH and by XADD,
// while the listener is away, there, and away again.
import { once } from 'node:events';
import { Redis } from 'ioredis';

const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
const redis = new Redis(url);
const name = 'workbook:announcements';
await redis.del(name); // a clean start, so that this can be run again

async function announce(text: string) {
  const receivers = await redis.publish(name, text);
  const id = await redis.xadd(name, '*', 'text', text);
  console.log(`"${text}": PUBLISH reached ${receivers} subscriber(s), XADD stored it as ${id}`);
}

await announce('the shop opens'); // nobody listens yet

// A connection that subscribes can do nothing else, hence one of its own.
const subscriber = new Redis(url);
const heard: string[] = [];
subscriber.on('message', (_channel, text: string) => heard.push(text));
await subscriber.subscribe(name);

const message = once(subscriber, 'message');
await announce('fresh bread'); // one listens
await message;
subscriber.disconnect();
await once(subscriber, 'end');

await announce('the shop closes'); // and is gone again

console.log('\nThe subscriber heard:  ', heard.join(', ')); // → fresh bread

// Who reads the stream may come as late as it likes.
const entries = await redis.xrange(name, '-', '+');
console.log('The stream still holds:', entries.map(([, [, text]]) => text).join(', '));

redis.disconnect();

// Try next: start this twice at the same time. Which numbers does PUBLISH answer now, and why?
