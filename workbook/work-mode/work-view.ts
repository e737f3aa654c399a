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
import { readTask } from '../learner/task-function.ts';

const WIDTH = 80;
const BAR_WIDTH = 14;
const NOT_STARTED = 'save the file: it is graded at once';
const FAILED = 'save the file: it is graded again. h: a hint, t: the task';
const KEYS = 'n:next p:back t:task h:hint l:list s:solution d:diff x:reset r:run q:quit';

/** What is on top of every screen of work mode: where one is. */
export function workHead(
  standing: Standing,
  current: NumberedRequirement,
  columns: number,
): string[] {
  const { exercise, points, of } = standing;
  const score = `${bar(points, of, BAR_WIDTH)} ${points} of ${of}`;
  const place = `${exercise.title}, ${current.number} of ${exercise.requirements.length}`;
  return [
    apart(colour.bold(place), score, Math.min(columns, WIDTH)),
    colour.dim(shownPath(exercise.file)),
  ];
}

/** What is at the bottom: what goes on, and the keys. */
export function workFoot(status: string): string[] {
  return [colour.dim(status), KEYS.replaceAll(/\w(?=:)/g, colour.cyan)];
}

/**
 * How the current requirement came out, and nothing else.
 *
 * @param hasKeys whether there are keys for what comes next, or else commands
 */
export function verdictText(
  result: ExerciseResult | undefined,
  current: NumberedRequirement,
  hasKeys: boolean,
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
      ...(hasKeys ? ['', `${colour.cyan('n')} goes on to the next.`] : []),
      ...complaints,
    ].join('\n');
  }
  const started = own.verdict.status !== 'not started';
  const task = started ? [] : ['', taskText(result.exercise, current)];
  const next = started ? FAILED : NOT_STARTED;
  const said = details(own, result.exercise, hasKeys ? next : undefined);
  return [...said, ...complaints, ...task].join('\n');
}

/** The task that a requirement belongs to, as the exercise's README tells it; all of it when it has no such heading. */
export function taskText(exercise: Exercise, { task }: NumberedRequirement): string {
  const readme = join(dirname(exercise.file), 'README.md');
  if (!existsSync(readme)) return `There is no ${shownPath(readme)}.`;
  const text = readTask(exercise, task) ?? readFileSync(readme, 'utf8');
  return `${lessonText(text)}\n\nThe whole of it: ${shownPath(readme)}`;
}

/** Two texts at the two ends of a line; only the first one where there is no room for both. */
function apart(left: string, right: string, columns: number): string {
  const room = columns - widthOf(left) - widthOf(right);
  return room > 0 ? left + ' '.repeat(room) + right : left;
}
