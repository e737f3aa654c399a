import type { Exercise } from '../../grader/exercises.ts';
import type { NumberedRequirement } from '../../grader/requirement.ts';
import { colour } from '../../system/terminal/colour.ts';
import { paragraph } from '../../system/terminal/paragraph.ts';
import { readChapters } from '../book/chapters.ts';
import { noteHints, progressOf, readProgress } from './progress-file.ts';

/**
 * Hints for a requirement, the lesson behind them, and how to get more. The last one is given again, and again; it is as much
 * as there is.
 *
 * @param which `next`: one more; `so far`: those that were given before; `with next`: both
 * @param nextKey the key for the next one, where there is a key
 */
export async function giveHints(
  exercise: Exercise,
  { number, id, title, hints, lesson }: NumberedRequirement,
  which: 'next' | 'so far' | 'with next',
  nextKey?: string,
): Promise<string> {
  const given = progressOf(readProgress(), exercise.name).hints[id] ?? 0;
  const count = which === 'so far' && given > 0 ? given : Math.min(given + 1, hints.length);
  const first = which === 'next' ? count : 1;
  if (count > given) await noteHints(exercise.name, id, count);
  const chapter = readChapters().find((candidate) => candidate.number === lesson.chapter);
  return [
    colour.bold(paragraph(`${number}. ${title}`)),
    ...hints
      .slice(first - 1, count)
      .map((hint, index) => paragraph(`\nHint ${first + index} of ${hints.length}. ${hint}`)),
    '',
    paragraph(`To read: chapter ${lesson.chapter}, ${chapter?.title}: "${lesson.heading}"`),
    colour.dim(paragraph(howToGoOn(count < hints.length, `${exercise.name} ${number}`, nextKey))),
  ].join('\n');
}

function howToGoOn(isMore: boolean, which: string, nextKey: string | undefined): string {
  if (isMore) return `The next hint: ${nextKey ?? `npm run hint ${which}`}`;
  const all = nextKey ? '' : ` All of them: npm run hint ${which} -- --all`;
  return `That was the last hint.${all}`;
}
