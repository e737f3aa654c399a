import { findExercise, findRequirement, readExercises } from '../../grader/exercises.ts';
import { commandArguments } from '../../system/arguments.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { print } from '../../system/terminal/print.ts';
import { giveHints } from '../learner/hints.ts';
import { readProgress } from '../learner/progress-file.ts';
import { standingOf } from '../learner/standing.ts';

const USAGE = [
  'npm run hint orders             the next hint for the first requirement that has not passed',
  'npm run hint orders 3           the next hint for requirement 3',
  'npm run hint orders -- --all    all hints that you have had for it, once more',
];

export const command: Command = async (_lifetime, typed) => {
  const { words, has } = commandArguments(typed, { usage: USAGE, flags: ['all'] });
  const [name, number] = words(0, 2);
  if (!name) {
    const names = readExercises().map((exercise) => exercise.name);
    throw new UserError(`For which exercise? There are ${names.join(', ')}.\n${USAGE.join('\n')}`);
  }
  const exercise = findExercise(name);
  const [firstOpen] = standingOf(exercise, readProgress()).open;
  const wanted = number ? findRequirement(exercise, number) : firstOpen;
  if (!wanted) {
    print(
      `All requirements of ${exercise.name} have passed. For one of them: npm run hint ${exercise.name} 3`,
    );
    return 0;
  }
  print(await giveHints(exercise, wanted, has('all') ? 'so far' : 'next'));
  return 0;
};
