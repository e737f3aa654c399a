import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Exercise } from '../../grader/exercises.ts';
import { details, typeLines } from '../../grader/report/details.ts';
import type { NumberedRequirement } from '../../grader/requirement.ts';
import type { ExerciseResult } from '../../grader/result.ts';
import { shownPath } from '../../system/paths.ts';
import { colour } from '../../system/terminal/colour.ts';
import { paragraph } from '../../system/terminal/paragraph.ts';
import { widthOf } from '../../system/terminal/width.ts';
import { lessonText } from '../book/lesson-text.ts';
import { bar } from '../learner/overview.ts';
import type { Standing } from '../learner/standing.ts';

const WIDTH = 80;
const BAR_WIDTH = 14;
const KEYS = 'n:next p:back t:task h:hint l:list s:solution d:diff x:reset r:run q:quit';

/** What is on top of every screen of work mode: where one is, and the command that grades the same. */
export function workHead(standing: Standing, current: NumberedRequirement): string[] {
  const { exercise, points, of } = standing;
  const score = `${bar(points, of, BAR_WIDTH)} ${points} of ${of}`;
  const place = `${exercise.title}, ${current.number} of ${exercise.requirements.length}`;
  return [
    apart(colour.bold(place), score),
    colour.dim(apart(shownPath(exercise.file), `npm run grade ${exercise.name} ${current.number}`)),
  ];
}

/** What is at the bottom: what goes on, and the keys. */
export function workFoot(status: string): string[] {
  return [colour.dim(status), KEYS.replaceAll(/\w(?=:)/g, colour.cyan)];
}

/** How the current requirement came out, and nothing else. */
export function verdictText(
  result: ExerciseResult | undefined,
  current: NumberedRequirement,
): string {
  const title = colour.bold(paragraph(`${current.number}. ${current.title}`));
  const own = result?.results.find(({ requirement }) => requirement.number === current.number);
  if (!result || !own) return title;
  const complaints = typeLines(result);
  if (own.verdict.status === 'passed') {
    return [
      title,
      '',
      colour.green(`✓ passed: ${own.requirement.points} points`),
      '',
      `${colour.cyan('n')} goes on to the next.`,
      ...complaints,
    ].join('\n');
  }
  const task = own.verdict.status === 'not started' ? ['', taskText(result.exercise, current)] : [];
  return [...details(own, result.exercise), ...complaints, ...task].join('\n');
}

/** The task that a requirement belongs to, as the exercise's README tells it; all of it when it has no such heading. */
export function taskText({ file }: Exercise, { task: number }: NumberedRequirement): string {
  const readme = join(dirname(file), 'README.md');
  if (!existsSync(readme)) return `There is no ${shownPath(readme)}.`;
  const text = readFileSync(readme, 'utf8');
  const sections = text.split(/^(?=#{2,3} )/m);
  const task = sections.find((section) => section.startsWith(`### ${number}.`));
  return `${lessonText(task ?? text)}\n\nThe whole of it: ${shownPath(readme)}`;
}

/** Two texts at the two ends of a line. */
function apart(left: string, right: string): string {
  const room = WIDTH - widthOf(left) - widthOf(right);
  return room > 0 ? left + ' '.repeat(room) + right : left;
}
