import type { Stage } from '../stage.ts';

const stream = 'sensor_readings';
const group = 'analytics_group';

export const keys = [stream, 'workbook:parcels', 'workbook:payments'];

export default async function scene(stage: Stage): Promise<void> {
  stage.say(`A consumer group lets several processes share one stream: each entry is handed to one of them,
    and stays on its list until it says that the work is done.`);

  stage.heading('1. Three consumers share the work');
  stage.say(`One producer, three consumers, four processes. Look for: every reading is worked on once, by
    whoever is free.`);
  const producer = stage.start('02-producing/producer', { args: ['100'] });
  const consumer = (name: string) => stage.start('consumer', { args: [name], as: name });
  const beta = consumer('beta');
  const gamma = consumer('gamma');
  let alpha = consumer('alpha');
  await Promise.all([alpha, beta, gamma].map((actor) => actor.says(/acknowledged/)));
  await stage.until('20 readings', async () => (await stage.redis.xlen(stream)) >= 20);

  stage.heading('2. One of them crashes in mid-work');
  stage.say(
    'alpha is killed with SIGKILL while it works on a reading. It cannot tidy up, nor say goodbye.',
  );
  const pendingOfAlpha = () => stage.redis.xpending(stream, group, '-', '+', 10, 'alpha');
  await alpha.says(/working on/);
  await alpha.crash();
  while ((await pendingOfAlpha()).length === 0) {
    // It had acknowledged its reading an instant before. Crash it again.
    alpha = consumer('alpha');
    await alpha.says(/working on/);
    await alpha.crash();
  }

  stage.say(
    'The others go on as if nothing had happened. Look for: nobody takes up the reading of alpha.',
  );
  const added = await stage.redis.xlen(stream);
  await stage.until('ten more', async () => (await stage.redis.xlen(stream)) >= added + 10);
  if (!stage.live) {
    await producer.stop();
    await stage.until('the others to be done', async () => {
      const [total] = await stage.redis.xpending(stream, group);
      return total === (await pendingOfAlpha()).length;
    });
    await Promise.all([beta.stop(), gamma.stop()]);
  }

  stage.heading('3. What the group remembers');
  stage.say(`The group keeps a list of entries that were handed out and not acknowledged: id, consumer,
    milliseconds since, deliveries. The reading of alpha waits there; chapter 5 gets it back.`);
  await stage.show(`XPENDING ${stream} ${group}`);
  await stage.show(`XPENDING ${stream} ${group} - + 10 alpha`);

  stage.heading('4. Where a group begins');
  stage.say('Look for: which group never hears of the parcels to Lisbon and Oslo.');
  await stage.run('group-start');

  stage.heading('5. New entries, and old ones of your own');
  stage.say('Look for: reading from 0 shows anna her own unfinished parcel, and ben nothing.');
  await stage.run('history');

  stage.heading('6. NOACK');
  stage.say('Look for: who can still get the payment back.');
  await stage.run('noack');
}
