import { type Exercise, findExercise } from '../../grader/exercises.ts';
import { commandArguments } from '../../system/arguments.ts';
import { shownPath } from '../../system/paths.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { readText } from '../../system/read-text.ts';
import { colour } from '../../system/terminal/colour.ts';
import { print } from '../../system/terminal/print.ts';
import { type Backup, readBackups, replaceFile } from '../learner/backups.ts';

const USAGE = [
  'npm run restore orders        lists the copies of your file, the newest first',
  'npm run restore orders 1      brings back the first of them',
];

export const command: Command = async (_lifetime, typed) => {
  const { words } = commandArguments(typed, { usage: USAGE });
  const [name = '', number] = words(1, 2, 'One exercise, please:');
  const exercise = findExercise(name);
  const backups = readBackups(exercise);
  if (backups.length === 0) {
    throw new UserError(
      `There is no copy of ${exercise.fileName} yet. Copies are made by: npm run reset ${exercise.name}`,
    );
  }
  if (number === undefined) {
    list(exercise, backups);
    return 0;
  }
  const backup = backups[Number(number) - 1];
  if (!backup) {
    throw new UserError(`There is no copy '${number}'; there are 1 to ${backups.length}.`);
  }
  const replaced = await replaceFile(exercise, readText(backup.file));
  if (replaced) print(`What was there is kept as  ${shownPath(replaced)}`);
  print(`${shownPath(exercise.file)} is again what it was on ${when(backup)}.`);
  print(`Next: npm run grade ${exercise.name}`);
  return 0;
};

function list(exercise: Exercise, backups: readonly Backup[]): void {
  print(`Copies of ${shownPath(exercise.file)}, the newest first:`);
  print('');
  for (const [index, backup] of backups.entries()) {
    const number = String(index + 1).padStart(3);
    print(`${number}  ${when(backup)}  ${String(backup.lines).padStart(5)} lines`);
    print(colour.dim(`     ${shownPath(backup.file)}`));
  }
  print('');
  print(`To bring one back: npm run restore ${exercise.name} 1`);
}

function when({ savedAt }: Backup): string {
  return savedAt.toLocaleString('sv-SE');
}
