import type { Stage } from '../stage.ts';

const stream = 'sensor_readings';
const group = 'analytics_group';
const names = ['alpha', 'beta', 'gamma'];

export const keys = [stream, 'workbook:films', 'workbook:clicks', 'workbook:invoices'];

export default async function scene(stage: Stage): Promise<void> {
  stage.say(`This chapter begins with a disaster: three consumers share a stream, and all of them are killed
    in mid-work. Then it looks at what is left, and gets every entry back.`);

  stage.heading('1. The crash');
  stage.say(
    'Look for: each of the three has begun to work on a reading, and none gets to acknowledge it.',
  );
  const producer = stage.start('02-producing/producer', { args: ['100'] });
  const pendingOf = async (name: string) =>
    (await stage.redis.xpending(stream, group, '-', '+', 10, name)).length;

  await Promise.all(
    names.map(async (name) => {
      do {
        const consumer = stage.start('04-consumer-groups/consumer', { args: [name], as: name });
        await consumer.says(/working on/);
        await consumer.crash();
        // When it acknowledged its reading an instant before the end, it is crashed again.
      } while ((await pendingOf(name)) === 0);
    }),
  );
  await producer.stop();

  stage.heading('2. What is left');
  stage.say(
    'Look for: who holds what. These consumers are dead; Redis cannot know, and keeps their entries.',
  );
  await stage.run('pending-inspector');
  await stage.run('stream-info');

  stage.heading('3. One entry by hand: XCLAIM');
  stage.say(`An entry may be taken from its holder when it has been idle for long enough: here a second. Two
    claim it at once. Look for: only one of them gets it.`);
  const allIdle = async () => {
    const idle = await stage.redis.xpending(stream, group, 'IDLE', 1000, '-', '+', 10);
    const [total] = await stage.redis.xpending(stream, group);
    return idle.length === total;
  };
  await stage.until('every entry to have been idle for a second', allIdle);
  await stage.run('claim', 'delta', '1000');

  stage.heading('4. All the rest: XAUTOCLAIM');
  stage.say('Look for: nothing is pending afterwards.');
  await stage.run('recover', 'delta', '1000');
  await stage.show(`XPENDING ${stream} ${group}`);

  stage.heading('5. Keeping what you have');
  stage.say(`Long work renews its hold. Look for: alice is told that the film is not hers any more; and what
    happens without the look.`);
  await stage.run('renew');

  stage.heading('6. Trimming');
  stage.say(`The rest belongs to the second lesson of this chapter. Look for: = removes to the entry, ~ whole
    blocks of 100, and never more than you allowed.`);
  await stage.run('trim');

  stage.heading('7. Trimming under the hands of a group');
  stage.say('Look for: two invoices become empty shells, two are lost without anybody noticing.');
  await stage.run('trimmed-pending');
}
