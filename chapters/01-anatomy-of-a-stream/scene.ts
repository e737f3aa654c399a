import type { Stage } from '../stage.ts';

export const keys = [
  'workbook:temperatures',
  'workbook:ids',
  'workbook:door_log',
  'workbook:announcements',
];

export default async function scene(stage: Stage): Promise<void> {
  stage.say(`A stream is a log: entries are added at its end, each with an id that grows. This chapter
    looks at one from four sides. All that you see is a real Redis at work.`);

  stage.heading('1. Entries');
  stage.say('Look for: fields come back in the order in which they went in, and as strings.');
  await stage.run('entries');

  stage.heading('2. Ids');
  stage.say(
    'Look for: what is refused, and why. An id stays used up, even when its entry is gone.',
  );
  await stage.run('ids');

  stage.heading('3. Append-only');
  stage.say(
    'Look for: entries go away, from the middle and from the old end, but none ever changes.',
  );
  await stage.run('append-only');

  stage.heading('4. Pub/Sub beside a stream');
  stage.say('Look for: three messages are sent. How many did the subscriber hear?');
  await stage.run('pubsub');

  stage.heading('What is left in Redis');
  stage.say('The programs are gone; the streams are not. This is what redis-cli shows:');
  await stage.show('XLEN workbook:announcements');
  await stage.show('XRANGE workbook:announcements - + COUNT 1');
}
