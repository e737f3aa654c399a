import type { Stage } from '../stage.ts';

const stream = 'iot_data_stream';
const group = 'data_processors';

export const keys = [stream, 'workbook:sales', 'workbook:sales:total'];

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
  stage.say(`It produces for two seconds more, and catches up with what nobody had read. Look for: once they
    have been idle for five seconds, the abandoned entries are taken over.`);
  const second = stage.start('pipeline', { args: stage.live ? ['86400'] : ['2'], as: 'run 2' });
  if (stage.live) return;
  await second.finish();

  stage.heading('3. The balance');
  stage.say(
    'Nothing is pending, and nothing waits to be handed out: no reading was lost on the way.',
  );
  await stage.show(`XPENDING ${stream} ${group}`);
  await stage.show(`XINFO GROUPS ${stream}`);

  stage.heading('4. An effect that happens once');
  stage.say(`A sale of 25 is with bob, and alice, who was paused, still has it in her hands. Look for: which way
    counts it twice, which one loses it, and which one does neither.`);
  await stage.run('one-step');
}
