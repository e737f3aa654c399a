import type { Stage } from '../stage.ts';

export const keys = ['sensor_readings', 'workbook:readings', 'workbook:exact', 'workbook:about'];

export default async function scene(stage: Stage): Promise<void> {
  stage.say(`Producing is one command, XADD. This chapter runs a producer, then turns to the question that
    every producer has to answer: how long may the stream become?`);

  stage.heading('1. The options of XADD');
  stage.say(
    'Look for: which option removes what, and the one that removes nothing without a word.',
  );
  await stage.run('add-options');

  stage.heading('2. Why about 1000 rather than 1000');
  stage.say('Look for: the right column is longer, and moves in steps.');
  await stage.run('approximate');

  stage.heading('3. A producer');
  stage.say(`It adds one reading per second in real life; here one every 200 ms. Look for: the id carries the
    time, the readings go round three rooms.`);
  const producer = stage.start('producer', { args: ['200'] });
  await stage.until('ten readings', async () => (await stage.redis.xlen('sensor_readings')) >= 10);
  await stage.show('XLEN sensor_readings');
  await stage.show('XREVRANGE sensor_readings + - COUNT 1');
  if (!stage.live) await producer.stop();
}
