import { resolve } from 'node:path';
import { findExercises } from '../../grader/exercises.ts';
import { commandArguments } from '../../system/arguments.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { print } from '../../system/terminal/print.ts';
import { makeHandout } from '../handout/make-handout.ts';

const USAGE = [
  'npm run handout -- FOLDER                a copy of the workbook for learners, without solutions',
  'npm run handout -- FOLDER --only 1,2     ... with these exercises',
];

export const command: Command = async (_lifetime, typed) => {
  const { words, value } = commandArguments(typed, { usage: USAGE, options: ['only'] });
  const [folder = ''] = words(1, 1, 'One folder, please:');
  const exercises = findExercises(value('only'));
  const target = resolve(folder);
  makeHandout(target, exercises);
  print(`The handout is in ${target}`);
  print(`Exercises: ${exercises.map(({ name }) => name).join(', ')}. No solutions, no tests.`);
  print('Learners type: npm ci && npm run chapter 1');
  return 0;
};
