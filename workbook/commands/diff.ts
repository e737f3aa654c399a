import { existsSync } from 'node:fs';
import { findExercise } from '../../grader/exercises.ts';
import { commandArguments } from '../../system/arguments.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { pageThrough } from '../../system/terminal/pager.ts';
import { readProgress } from '../learner/progress-file.ts';
import { NO_SOLUTIONS, solutionDiff } from '../learner/solution.ts';
import { standingOf } from '../learner/standing.ts';

const USAGE = [
  'npm run diff orders               your file and the solution compared, once you have solved it',
  'npm run diff orders -- --show     ... or before that',
];

export const command: Command = async (lifetime, typed) => {
  const { words, has } = commandArguments(typed, { usage: USAGE, flags: ['show'] });
  const [name = ''] = words(1, 1, 'One exercise, please:');
  const exercise = findExercise(name);
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
  await pageThrough('From your file (-) to the solution (+)', solutionDiff(exercise), lifetime);
  return 0;
};
