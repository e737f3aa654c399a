import type { Stage } from '../stage.ts';

const stream = 'sensor_readings';

export const keys = [
  stream,
  'workbook:room_1',
  'workbook:room_2',
  'workbook:room_3',
  'workbook:orders',
];

export default async function scene(stage: Stage): Promise<void> {
  stage.say(`There are two ways to read a stream: look back (XRANGE), and wait for what comes (XREAD). Neither
    takes anything away: every reader sees every entry.`);

  stage.heading('1. Waiting for new entries');
  stage.say(`A producer adds readings, the tail prints them. Look for: each reading appears twice, once where
    it is added and once where it arrives. What was there before the tail came, it does not print.`);
  const producer = stage.start('02-producing/producer', { args: ['100'] });
  await stage.until('some entries', async () => (await stage.redis.xlen(stream)) >= 10);
  const tail = stage.start('tail');
  await tail.says(/waiting for entries/);
  const before = await stage.redis.xlen(stream);
  await stage.until('more', async () => (await stage.redis.xlen(stream)) >= before + 8);
  await tail.stop();
  await stage.until('three pages', async () => (await stage.redis.xlen(stream)) >= 25);
  await producer.stop();

  stage.heading('2. Looking back');
  stage.say(
    'Look for: the last five come newest first, and no page repeats an entry of the one before.',
  );
  await stage.run('range');

  stage.heading('3. Several streams at once');
  stage.say('Look for: a stream without news is missing from the reply.');
  await stage.run('many-streams');

  stage.heading('4. The gap');
  stage.say('Look for: tea, milk and sugar were ordered. Which reader has no milk?');
  await stage.run('gap');

  if (stage.live) {
    stage.heading('Live');
    stage.start('02-producing/producer');
    stage.start('tail');
  }
}
