import { existsSync } from 'node:fs';
import { colour } from '../../system/terminal/colour.ts';
import { paragraph } from '../../system/terminal/paragraph.ts';
import { readChapters } from '../book/chapters.ts';
import { type Progress, progressOf } from './progress-file.ts';
import { readStandings, type Standing } from './standing.ts';

const BAR_WIDTH = 16;
const TITLE_WIDTH = 34;

/** How far a learner has come, in a few lines: chapters, exercises, points. */
export function overview(progress: Progress, standings = readStandings(progress)): string {
  const chapters = readChapters();
  const played = chapters.filter(({ number }) => progress.chapters.includes(number));
  return [
    row('Chapters played', played.length, chapters.length, ''),
    ...standings.map((standing) =>
      earned(`${standing.exercise.number}. ${standing.exercise.title}`, [standing]),
    ),
    earned('All exercises', standings),
  ].join('\n');
}

/** The requirements of an exercise, one line each: what has passed, what has not, hints that were given. */
export function requirementList(standing: Standing, progress: Progress, current?: number): string {
  const { hints } = progressOf(progress, standing.exercise.name);
  return standing.exercise.requirements
    .map((requirement) => {
      const { number } = requirement;
      const passed = standing.passed.includes(requirement);
      const mark = passed ? colour.green('✓') : colour.dim('·');
      const here = number === current ? colour.cyan('>') : ' ';
      const given = hints[requirement.id] ?? 0;
      const told = given > 0 ? colour.dim(` (${given} of ${requirement.hints.length} hints)`) : '';
      const text = paragraph(requirement.title + told, ' '.repeat(8)).trimStart();
      return `${here} ${mark} ${String(number).padStart(2)}  ${text}`;
    })
    .join('\n');
}

/**
 * A few words for somebody who has just finished an exercise, or everything.
 *
 * @param hasKeys whether there are keys for what comes next, or else commands
 */
export function celebration(
  solved: Standing,
  standings: readonly Standing[],
  hasKeys = false,
): string {
  const { exercise, of } = solved;
  const next = standings.find((standing) => !standing.solved);
  const proud = (text: string) => colour.green(colour.bold(text));
  const sum = standings.reduce((points, standing) => points + standing.of, 0);
  return [
    proud(`Exercise ${exercise.number} is solved: ${of} of ${of} points.`),
    '',
    ...(exercise.learned ? [paragraph(exercise.learned), ''] : []),
    ...(existsSync(exercise.solution)
      ? [
          `Compare with the solution:   ${hasKeys ? 'd' : `npm run diff ${exercise.name}`}`,
          `Why it is as it is:          solutions/${exercise.folder}/README.md`,
        ]
      : []),
    ...(next
      ? [
          `Next:                        ${hasKeys ? 'n' : `npm run learn ${next.exercise.name}`}   (${next.exercise.title})`,
        ]
      : [
          '',
          proud(`That was the last one: ${sum} of ${sum} points. Well done!`),
          '',
          paragraph(
            'You know now what Streams promise and what they do not, and you have seen it break and hold. Take what you have built into your own service, and mind what it costs.',
          ),
        ]),
  ].join('\n');
}

/** The points of these exercises together, and how many of their requirements have passed. */
function earned(title: string, standings: readonly Standing[]): string {
  const sum = (count: (standing: Standing) => number) =>
    standings.reduce((total, standing) => total + count(standing), 0);
  const passed = sum((standing) => standing.passed.length);
  const requirements = passed + sum((standing) => standing.open.length);
  const points = sum((standing) => standing.points);
  const of = sum((standing) => standing.of);
  return row(title, points, of, ` points  ${passed}/${requirements}`);
}

function row(title: string, done: number, of: number, unit: string): string {
  return `${title.padEnd(TITLE_WIDTH)}${bar(done, of, BAR_WIDTH)} ${String(done).padStart(3)} of ${of}${unit}`;
}

/** How much is done, as a bar of so many signs between brackets. */
export function bar(done: number, of: number, width: number): string {
  const filled = of === 0 ? 0 : Math.floor((done / of) * width);
  return `[${colour.green('#'.repeat(filled))}${colour.dim('-'.repeat(width - filled))}]`;
}
