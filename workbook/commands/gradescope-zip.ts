import { resolve } from 'node:path';
import { limitOf } from '../../grader/classroom/class-options.ts';
import { findExercises } from '../../grader/exercises.ts';
import { commandArguments } from '../../system/arguments.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { print } from '../../system/terminal/print.ts';
import { makeGradescopeZip } from '../handout/make-gradescope-zip.ts';

/** Gradescope grants ten minutes, unless told otherwise. */
const USUAL_LIMIT_SECONDS = '540';
const USUAL_SEED = '1';
const USAGE = [
  'npm run gradescope-zip -- FILE.zip                an autograder for all exercises',
  'npm run gradescope-zip -- FILE.zip --only orders  ... for this one; 1,2 for two of them',
  'npm run gradescope-zip -- FILE.zip --seed 7       ... with other data',
  'npm run gradescope-zip -- FILE.zip --limit 1200   ... where Gradescope grants more than ten minutes',
];

export const command: Command = async (_lifetime, typed) => {
  const { words, value } = commandArguments(typed, {
    usage: USAGE,
    options: ['only', 'seed', 'limit'],
  });
  const [file = ''] = words(1, 1, 'One file, please:');
  const exercises = findExercises(value('only'));
  const seed = Number(value('seed') ?? USUAL_SEED);
  if (!Number.isSafeInteger(seed)) throw new UserError('The seed is a whole number.');
  const limitSeconds = limitOf(value('limit') ?? USUAL_LIMIT_SECONDS) / 1000;
  const target = resolve(file);
  makeGradescopeZip(target, { exercises, seed, limitSeconds });
  print(`The autograder is ${target}`);
  print(
    `Exercises: ${exercises.map(({ name }) => name).join(', ')}. Seed ${seed}, ${limitSeconds} seconds for a submission.`,
  );
  print('Gradescope: Configure Autograder, Zip file upload. Students hand in the files alone.');
  return 0;
};
