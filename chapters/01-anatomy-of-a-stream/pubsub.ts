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
  console.log(`"${text}": PUBLISH reached ${receivers}, XADD stored ${id}`);
}

await announce('the shop opens'); // nobody listens yet

// A connection of its own, because the subscriber comes and goes. ioredis 6 speaks RESP3, the newer
// form of the protocol: there, a connection that subscribes can send other commands as well. In the
// older form, RESP2, it cannot.
const subscriber = new Redis(url);
const heard: string[] = [];
subscriber.on('message', (_channel, text: string) => heard.push(text));
await subscriber.subscribe(name);

const message = once(subscriber, 'message');
await announce('fresh bread'); // one listens
await message;
console.log('XLEN on the connection that subscribes:', await subscriber.xlen(name)); // → 2
subscriber.disconnect();
await once(subscriber, 'end');

await announce('the shop closes'); // and is gone again

console.log('\nThe subscriber heard:  ', heard.join(', ')); // → fresh bread

// Who reads the stream may come as late as it likes. ['text', 'fresh bread']: a name, its value.
const entries = await redis.xrange(name, '-', '+');
console.log('The stream still holds:', entries.map(([, fields]) => fields[1]).join(', '));

redis.disconnect();

// Try next: start this twice at the same time. Which numbers does PUBLISH answer now, and why?
