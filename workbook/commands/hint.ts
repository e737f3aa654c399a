import {
  type Exercise,
  findExercise,
  findRequirement,
  readExercises,
} from '../../grader/exercises.ts';
import { commandArguments } from '../../system/arguments.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { print } from '../../system/terminal/print.ts';
import { hintText } from '../learner/hint-text.ts';
import { noteHints, progressOf, readProgress } from '../learner/progress-file.ts';
import { type Numbered, standingOf } from '../learner/standing.ts';

const USAGE = [
  'npm run hint orders             the next hint for the first requirement that has not passed',
  'npm run hint orders 3           the next hint for requirement 3',
  'npm run hint orders -- --all    all hints that you have had for it, once more',
];

export const command: Command = async (_lifetime, typed) => {
  const { positionals, has } = commandArguments(typed, { usage: USAGE, flags: ['all'] });
  const [name, number, ...more] = positionals;
  if (more.length > 0) throw new UserError(`What is '${more.join(' ')}'?\n${USAGE.join('\n')}`);
  if (!name) {
    const names = readExercises().map((exercise) => exercise.name);
    throw new UserError(`For which exercise? There are ${names.join(', ')}.\n${USAGE.join('\n')}`);
  }
  const exercise = findExercise(name);
  const wanted = number ? findRequirement(exercise, number) : firstOpen(exercise);
  if (!wanted) {
    print(
      `All requirements of ${exercise.name} have passed. For one of them: npm run hint ${exercise.name} 3`,
    );
    return 0;
  }
  const { id, hints } = wanted.requirement;
  const given = progressOf(readProgress(), exercise.name).hints[id] ?? 0;
  const again = has('all') && given > 0;
  const count = again ? given : Math.min(given + 1, hints.length);
  // The last one is given again, and again; it is as much as there is.
  const from = again ? 1 : count;
  if (count > given) await noteHints(exercise.name, id, count);
  print(hintText(exercise, wanted, from, count));
  return 0;
};

function firstOpen(exercise: Exercise): Numbered | undefined {
  return standingOf(exercise, readProgress()).open[0];
}
