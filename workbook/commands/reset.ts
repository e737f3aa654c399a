import { findExercise } from '../../grader/exercises.ts';
import { commandArguments } from '../../system/arguments.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { print } from '../../system/terminal/print.ts';
import { beginAgain } from '../learner/backups.ts';

const USAGE = ['npm run reset orders      begins again; your file is copied first'];

export const command: Command = async (_lifetime, typed) => {
  const { words } = commandArguments(typed, { usage: USAGE });
  const [name = ''] = words(1, 1, 'One exercise, please:');
  print(await beginAgain(findExercise(name)));
  return 0;
};
