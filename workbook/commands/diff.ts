import { existsSync, readFileSync } from 'node:fs';
import { findExercise } from '../../grader/exercises.ts';
import { commandArguments } from '../../system/arguments.ts';
import { shownPath } from '../../system/paths.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { errorCode, fileSystemTrouble, UserError } from '../../system/process/user-error.ts';
import { print } from '../../system/terminal/print.ts';
import { fileDiff } from '../learner/file-diff.ts';
import { readProgress } from '../learner/progress-file.ts';
import { standingOf } from '../learner/standing.ts';
import { NO_SOLUTIONS } from '../work/work-asides.ts';

const USAGE = [
  'npm run diff orders               your file beside the solution, once you have solved it',
  'npm run diff orders -- --show     ... or before that',
];

export const command: Command = async (_lifetime, typed) => {
  const { positionals, has } = commandArguments(typed, { usage: USAGE, flags: ['show'] });
  const [name, ...more] = positionals;
  if (!name || more.length > 0) throw new UserError(`One exercise, please:\n${USAGE.join('\n')}`);
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
  const own = read(exercise.file, exercise.name);
  print(
    fileDiff(
      { name: shownPath(exercise.file), text: own },
      { name: shownPath(exercise.solution), text: readFileSync(exercise.solution, 'utf8') },
      process.stdout.columns || 80,
    ),
  );
  return 0;
};

function read(file: string, name: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw fileSystemTrouble(error, `read ${shownPath(file)}`);
    throw new UserError(
      `There is no file ${shownPath(file)}. The starter comes back with: npm run reset ${name}`,
    );
  }
}
