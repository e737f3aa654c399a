import { resolve } from 'node:path';
import { findExercises } from '../../grader/exercises.ts';
import { commandArguments } from '../../system/arguments.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { print } from '../../system/terminal/print.ts';
import { makeHandout } from '../handout/make-handout.ts';

const USAGE = [
  'npm run handout -- FOLDER                a copy of the workbook for learners, without solutions',
  'npm run handout -- FOLDER --only 1,2     ... with these exercises',
];

export const command: Command = async (_lifetime, typed) => {
  const { positionals, value } = commandArguments(typed, { usage: USAGE, options: ['only'] });
  const [folder, ...more] = positionals;
  if (!folder || more.length > 0) throw new UserError(`One folder, please:\n${USAGE.join('\n')}`);
  const exercises = findExercises(value('only'));
  const target = resolve(folder);
  makeHandout(target, exercises);
  print(`The handout is in ${target}`);
  print(`Exercises: ${exercises.map(({ name }) => name).join(', ')}. No solutions, no tests.`);
  print('Learners type: npm ci && npm run chapter 1');
  return 0;
};
