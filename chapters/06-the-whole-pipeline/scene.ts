import type { Stage } from '../stage.ts';

const stream = 'iot_data_stream';
const group = 'data_processors';

export const keys = [stream];

export default async function scene(stage: Stage): Promise<void> {
  stage.say(`Everything together: a producer adds a reading every 100 ms, two workers share them. The whole
    program is killed in mid-work, started again, and has to finish what its former self began.`);

  stage.heading('1. The first run, cut short');
  stage.say('Look for: both workers are busy when the end comes.');
  const first = stage.start('pipeline', { args: ['60'], as: 'run 1' });
  await first.says(/worker-1: acknowledged/);
  await first.says(/worker-\d: working on/);
  await first.crash();
  await stage.show(`XPENDING ${stream} ${group}`);

  stage.heading('2. The second run');
  stage.say(`It produces for two seconds more. Look for: first the workers catch up with what nobody had
    read; then, idle for 2 seconds, they find the abandoned entries and take them over.`);
  const second = stage.start('pipeline', { args: stage.live ? ['86400'] : ['2'], as: 'run 2' });
  if (stage.live) return;
  await second.finish();

  stage.heading('3. The balance');
  stage.say('Everything was handed out, and nothing is pending: no reading was lost.');
  await stage.show(`XPENDING ${stream} ${group}`);
  await stage.show(`XINFO GROUPS ${stream}`);
}
