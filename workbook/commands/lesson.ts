import { dirname, join } from 'node:path';
import { findExercise } from '../../grader/exercises.ts';
import { commandArguments } from '../../system/arguments.ts';
import { shownPath } from '../../system/paths.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { readText } from '../../system/read-text.ts';
import { pageThrough } from '../../system/terminal/pager.ts';
import { findChapter, lessonFiles } from '../book/chapters.ts';
import { lessonText } from '../book/lesson-text.ts';

const USAGE = [
  'npm run lesson 4           the lesson of chapter 4, in the terminal',
  'npm run lesson orders      the tasks of the exercise orders',
];

export const command: Command = async (lifetime, typed) => {
  const [wanted = ''] = commandArguments(typed, { usage: USAGE }).words(1, 1, 'Which one?');
  const files = /^\d+$/.test(wanted) ? lessonFiles(findChapter(wanted)) : filesOf(wanted);
  const text = files.map((file) => lessonText(readText(file))).join('\n\n\n');
  await pageThrough(shownPath(files[0]), text, lifetime);
  return 0;
};

/** A word can mean an exercise or a chapter. */
function filesOf(wanted: string): [string, ...string[]] {
  try {
    return [join(dirname(findExercise(wanted).file), 'README.md')];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return lessonFiles(findChapter(wanted));
  }
}
