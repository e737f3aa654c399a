import { existsSync } from 'node:fs';
import { findExercise } from '../../grader/exercises.ts';
import { commandArguments } from '../../system/arguments.ts';
import { shownPath } from '../../system/paths.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { print } from '../../system/terminal/print.ts';
import { isUntouched, replaceFile, starterOf } from '../learner/backups.ts';
import { forgetGraded } from '../learner/progress-file.ts';

const USAGE = ['npm run reset orders      begins again; your file is copied first'];

export const command: Command = async (_lifetime, typed) => {
  const { positionals } = commandArguments(typed, { usage: USAGE });
  const [name, ...more] = positionals;
  if (!name || more.length > 0) throw new UserError(`One exercise, please:\n${USAGE.join('\n')}`);
  const exercise = findExercise(name);
  const file = shownPath(exercise.file);
  const starter = starterOf(exercise);
  if (isUntouched(exercise)) {
    print(`${file} is as it was at the beginning. Nothing was changed.`);
    return 0;
  }
  const wasThere = existsSync(exercise.file);
  const backup = replaceFile(exercise, starter);
  await forgetGraded(exercise.name);
  if (backup) {
    print(`Your file is kept as  ${shownPath(backup)}`);
    print(`To bring it back:     npm run restore ${exercise.name}`);
  }
  print(
    wasThere ? `${file} is the starter again.` : `${file} was missing. It is the starter again.`,
  );
  return 0;
};
