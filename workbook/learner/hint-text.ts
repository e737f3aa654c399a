import type { Exercise } from '../../grader/exercises.ts';
import { colour } from '../../system/terminal/colour.ts';
import { paragraph } from '../../system/terminal/paragraph.ts';
import { readChapters } from '../book/chapters.ts';
import type { Numbered } from './standing.ts';

/** The hints of a requirement from the one to the other, the lesson behind them, and how to get more. */
export function hintText(
  exercise: Exercise,
  { number, requirement }: Numbered,
  from: number,
  to: number,
): string {
  const { title, hints, lesson } = requirement;
  const chapter = readChapters().find((candidate) => candidate.number === lesson.chapter);
  const lines = [colour.bold(paragraph(`${number}. ${title}`))];
  for (let count = from; count <= to; count++) {
    lines.push('', paragraph(`Hint ${count} of ${hints.length}. ${hints[count - 1]}`));
  }
  lines.push(
    '',
    paragraph(`To read: chapter ${lesson.chapter}, ${chapter?.title}: "${lesson.heading}"`),
    colour.dim(
      to < hints.length
        ? `The next hint: npm run hint ${exercise.name} ${number}`
        : `That was the last hint. All of them: npm run hint ${exercise.name} ${number} -- --all`,
    ),
  );
  return lines.join('\n');
}
