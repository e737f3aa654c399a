import { findExercise } from '../../grader/exercises.ts';
import { commandArguments } from '../../system/arguments.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { print } from '../../system/terminal/print.ts';
import { beginAgain } from '../learner/begin-again.ts';

const USAGE = ['npm run reset orders      begins again; your file is copied first'];

export const command: Command = async (_lifetime, typed) => {
  const { positionals } = commandArguments(typed, { usage: USAGE });
  const [name, ...more] = positionals;
  if (!name || more.length > 0) throw new UserError(`One exercise, please:\n${USAGE.join('\n')}`);
  print(await beginAgain(findExercise(name)));
  return 0;
};
