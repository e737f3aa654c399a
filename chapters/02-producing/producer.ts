// Adds a sensor reading to `sensor_readings` every second until Ctrl+C: XADD with MAXLEN ~ 1000.
// Beside it, run a reader of chapter 3 or consumers of chapter 4. An argument sets the pace:
//   npm run chapter 2 producer 100        a reading every 100 ms
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

const everyMs = Number(process.argv[2] ?? 1000);
if (!(everyMs > 0)) {
  console.error(`The pace is a number of milliseconds, not '${process.argv[2]}'.`);
  process.exit(1);
}

// Readings go on, also without a Redis. So a reading is given up after one more attempt to connect,
// and a connection that has not answered for three seconds is replaced (lesson 3 says why).
const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379', {
  maxRetriesPerRequest: 1,
  socketTimeout: 3000,
});
redis.on('error', (error) => console.error(`connection: ${error}`));

const stop = new AbortController();
function leave() {
  stop.abort();
  if (redis.status !== 'ready') process.exit(); // nobody is there to wait for
}
process.once('SIGINT', leave);
process.once('SIGTERM', leave);

const between = (low: number, high: number) => (low + Math.random() * (high - low)).toFixed(2);

for (let sensorId = 1; !stop.signal.aborted; sensorId++) {
  const reading = {
    sensorId,
    temperature: between(10, 60),
    humidity: between(20, 100),
    location: `room_${(sensorId % 3) + 1}`,
  };
  try {
    const id = await redis.xadd(
      'sensor_readings',
      'MAXLEN',
      '~', // about: the server drops whole blocks of old entries, which costs it next to nothing
      1000,
      '*', // options stand before the id; behind it, they would be stored as fields
      ...Object.entries(reading).flat(),
    );
    const { temperature, humidity, location } = reading;
    console.log(`added ${id} sensor=${sensorId} ${temperature} °C ${humidity} % ${location}`);
  } catch (error) {
    // The memory is full, or there is no connection: go on with the next reading. What must not be
    // missing has to be kept and added again. (If only the reply was lost, it is there already.)
    console.error(`not added: ${error}`);
  }
  await sleep(everyMs, undefined, { signal: stop.signal }).catch(() => {});
}

redis.disconnect();

// Try next: start two producers. Do their ids ever collide?
