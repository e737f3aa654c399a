import { type Exercise, findExercise } from '../../grader/exercises.ts';
import { Session } from '../../grader/session.ts';
import { commandArguments } from '../../system/arguments.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { isInteractive } from '../../system/terminal/keys.ts';
import { printError } from '../../system/terminal/print.ts';
import { readProgress } from '../learner/progress-file.ts';
import { readStandings } from '../learner/standing.ts';
import { workPlainly } from '../work-mode/plain-work.ts';
import { WorkMode } from '../work-mode/work-mode.ts';

const USAGE = [
  'npm run learn                  goes on where you are: grades whenever you save',
  '                               (without a terminal: once; exit code 0 when it is solved)',
  'npm run learn orders           the same, for the exercise orders',
  'npm run learn -- --poll        where saving is not noticed: network drives, containers',
];

export const command: Command = async (lifetime, typed) => {
  const { words, has } = commandArguments(typed, { usage: USAGE, flags: ['poll'] });
  const [name] = words(0, 1, 'One exercise at a time:');
  const exercise = name ? findExercise(name) : firstUnsolved();
  if (isInteractive()) printError('Getting ready ...');
  const session = await Session.open(lifetime);
  lifetime.endWithCtrlC();
  if (!isInteractive()) return (await workPlainly(session, exercise)) ? 0 : 1;
  await new WorkMode(session, exercise, lifetime).run(has('poll'));
  return 0;
};

function firstUnsolved(): Exercise {
  const standings = readStandings(readProgress());
  const standing = standings.find(({ solved }) => !solved) ?? standings[0];
  if (!standing) throw new UserError('There is no exercise here.');
  return standing.exercise;
}
