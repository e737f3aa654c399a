import { existsSync } from 'node:fs';
import { findExercise, findRequirement } from '../../grader/exercises.ts';
import { commandArguments } from '../../system/arguments.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { pageThrough } from '../../system/terminal/pager.ts';
import { readProgress } from '../learner/progress-file.ts';
import { NO_SOLUTIONS, solutionDiff } from '../learner/solution.ts';
import { standingOf } from '../learner/standing.ts';

const USAGE = [
  'npm run diff orders               your file and the solution compared, once you have solved it',
  'npm run diff orders 3             ... from where requirement 3 is met',
  'npm run diff orders -- --show     ... or before that',
];

export const command: Command = async (lifetime, typed) => {
  const { words, has } = commandArguments(typed, { usage: USAGE, flags: ['show'] });
  const [name = '', number] = words(1, 2, 'One exercise, please:');
  const exercise = findExercise(name);
  const asked = number === undefined ? undefined : findRequirement(exercise, number);
  if (!existsSync(exercise.solution)) throw new UserError(NO_SOLUTIONS);
  const standing = standingOf(exercise, readProgress());
  if (!standing.solved && !has('show')) {
    throw new UserError(
      `The solution shows when you have solved ${exercise.name}: ${standing.passed.length} of ` +
        `${exercise.requirements.length} requirements have passed.\n` +
        `A nudge instead:    npm run hint ${exercise.name}\n` +
        `To see it anyway:   npm run diff ${exercise.name} -- --show`,
    );
  }
  const { text, from } = solutionDiff(exercise, asked ?? standing.open[0]);
  await pageThrough({ title: 'From your file (-) to the solution (+)', text, from }, lifetime);
  return 0;
};
