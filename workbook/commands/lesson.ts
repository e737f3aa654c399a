import { dirname, join } from 'node:path';
import { findExercise, readExercises } from '../../grader/exercises.ts';
import { commandArguments } from '../../system/arguments.ts';
import { didYouMean } from '../../system/did-you-mean.ts';
import { shownPath } from '../../system/paths.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { readText } from '../../system/read-text.ts';
import { pageThrough } from '../../system/terminal/pager.ts';
import { findChapter, lessonFiles, readChapters } from '../book/chapters.ts';
import { lessonText } from '../book/lesson-text.ts';

const USAGE = [
  'npm run lesson 4           the lesson of chapter 4, in the terminal',
  'npm run lesson orders      the tasks of the exercise orders',
];

export const command: Command = async (lifetime, typed) => {
  const [wanted = ''] = commandArguments(typed, { usage: USAGE }).words(1, 1, 'Which one?');
  const files = /^\d+$/.test(wanted) ? lessonFiles(findChapter(wanted)) : filesOf(wanted);
  const pages = files.map((file) => readText(file));
  const [, heading = ''] = /^# (.+)$/m.exec(pages[0] ?? '') ?? [];
  const title = `${heading}   ${shownPath(files[0])}`;
  await pageThrough({ title, text: () => pages.map(lessonText).join('\n\n\n') }, lifetime);
  return 0;
};

/** A word can mean an exercise or a chapter. */
function filesOf(wanted: string): [string, ...string[]] {
  const exercises = readExercises();
  const chapters = readChapters();
  const finders: (() => [string, ...string[]])[] = [
    () => [join(dirname(findExercise(wanted).file), 'README.md')],
    () => lessonFiles(findChapter(wanted)),
  ];
  const refusals: UserError[] = [];
  for (const find of finders) {
    try {
      return find();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      refusals.push(error);
    }
  }
  // That it could be several of a kind says more than that there is none of the other.
  const several = refusals.find(({ message }) => message.includes(' could be '));
  if (several) throw several;
  const names = [...exercises.map(({ name }) => name), ...chapters.map(({ slug }) => slug)];
  const instead = didYouMean(wanted, names);
  throw new UserError(
    `There is no chapter and no exercise '${wanted}'; there are ${names.join(', ')}.${instead && `\n${instead}`}`,
  );
}
