// What work mode shows instead of a verdict when a key asks for it.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Exercise } from '../../grader/exercises.ts';
import { shownPath } from '../../system/paths.ts';
import { UserError } from '../../system/process/user-error.ts';
import { lessonText } from '../book/lesson-text.ts';
import { replaceFile, starterOf } from '../learner/backups.ts';
import { fileDiff } from '../learner/file-diff.ts';
import { hintText } from '../learner/hint-text.ts';
import { forgetGraded, noteHints, progressOf, readProgress } from '../learner/progress-file.ts';
import type { Numbered } from '../learner/standing.ts';

export const NO_SOLUTIONS = 'This copy of the workbook comes without solutions.';

/** The task that a requirement belongs to, as the exercise's README tells it; all of it when it has no such heading. */
export function taskText({ file }: Exercise, { requirement }: Numbered): string {
  const readme = join(dirname(file), 'README.md');
  if (!existsSync(readme)) return `There is no ${shownPath(readme)}.`;
  const text = readFileSync(readme, 'utf8');
  const sections = text.split(/^(?=#{2,3} )/m);
  const task = sections.find((section) => section.startsWith(`### ${requirement.task}.`));
  return `${lessonText(task ?? text)}\n\nThe whole of it: ${shownPath(readme)}`;
}

/** All hints that were given for a requirement, and one more. */
export async function nextHint(exercise: Exercise, current: Numbered): Promise<string> {
  const { id, hints } = current.requirement;
  const given = progressOf(readProgress(), exercise.name).hints[id] ?? 0;
  const count = Math.min(given + 1, hints.length);
  if (count > given) await noteHints(exercise.name, id, count);
  return hintText(exercise, current, 1, count);
}

export function solutionText({ solution, folder }: Exercise): string {
  if (!existsSync(solution)) return NO_SOLUTIONS;
  return `${shownPath(solution)}; solutions/${folder}/README.md says why.\n\n${readFileSync(solution, 'utf8')}`;
}

/** The learner's file beside the solution, in so many columns. */
export function diffText({ name, file, solution }: Exercise, columns: number): string {
  if (!existsSync(file)) {
    return `There is no file ${shownPath(file)}. x brings the starter back; so does npm run reset ${name}`;
  }
  if (!existsSync(solution)) return NO_SOLUTIONS;
  return fileDiff(
    { name: shownPath(file), text: readFileSync(file, 'utf8') },
    { name: shownPath(solution), text: readFileSync(solution, 'utf8') },
    columns,
  );
}

/** Begins again. Returns what became of the learner's file. */
export async function beginAgain(exercise: Exercise): Promise<string> {
  try {
    const backup = replaceFile(exercise, starterOf(exercise));
    await forgetGraded(exercise.name);
    if (!backup) return `${shownPath(exercise.file)} is the starter.`;
    return `Your file is kept as ${shownPath(backup)}\nTo bring it back: npm run restore ${exercise.name}`;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}
