import type { Exercise } from '../../grader/exercises.ts';
import { colour } from '../../system/terminal/colour.ts';
import { paragraph } from '../../system/terminal/paragraph.ts';
import { readChapters } from '../book/chapters.ts';
import { noteHints, progressOf, readProgress } from './progress-file.ts';
import type { Numbered } from './standing.ts';

/**
 * The hints for a requirement that were given before, with `another` one more, the lesson behind them, and how to get the
 * next. The last one is given again, and again; it is as much as there is.
 */
export async function giveHints(
  exercise: Exercise,
  { number, requirement }: Numbered,
  another = true,
): Promise<string> {
  const { id, title, hints, lesson } = requirement;
  const given = progressOf(readProgress(), exercise.name).hints[id] ?? 0;
  const count = another || given === 0 ? Math.min(given + 1, hints.length) : given;
  if (count > given) await noteHints(exercise.name, id, count);
  const chapter = readChapters().find((candidate) => candidate.number === lesson.chapter);
  return [
    colour.bold(paragraph(`${number}. ${title}`)),
    ...hints
      .slice(0, count)
      .map((hint, index) => paragraph(`\nHint ${index + 1} of ${hints.length}. ${hint}`)),
    '',
    paragraph(`To read: chapter ${lesson.chapter}, ${chapter?.title}: "${lesson.heading}"`),
    colour.dim(
      count < hints.length
        ? `The next hint: npm run hint ${exercise.name} ${number}`
        : 'That was the last hint.',
    ),
  ].join('\n');
}
