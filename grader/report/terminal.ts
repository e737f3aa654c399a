import { shownPath } from '../../system/paths.ts';
import { colour } from '../../system/terminal/colour.ts';
import type { Status } from '../requirement.ts';
import { type ExerciseResult, pointsOf, type RequirementResult, total } from '../result.ts';
import { details, typeLines, wrap } from './details.ts';

const TITLE_INDENT = 7;
const POINTS_WIDTH = 10;
const WIDTH = 80;
const UNBREAKABLE = '\u00a0';

const MARKS: Record<Status, string> = {
  passed: colour.green('✓'),
  failed: colour.red('✗'),
  'not started': colour.dim('·'),
  crashed: colour.red('✗'),
  'timed out': colour.red('✗'),
};

/** The report on one submission, to be read from top to bottom. */
export function reportExercise(result: ExerciseResult, openAll: boolean): string {
  const { exercise, file, results } = result;
  const lines = [
    colour.bold(`${exercise.number}. ${exercise.title}`) + colour.dim(`  ${shownPath(file)}`),
    '',
    ...results.map((one) => requirementLine(one)),
    '',
    scoreLine(results),
    ...typeLines(result),
  ];
  const failing = results.filter(({ verdict }) => verdict.status !== 'passed');
  const allBroken =
    failing.length > 0 &&
    failing.every(({ verdict }) => verdict.happened === failing[0]?.verdict.happened);
  const opened = openAll && !allBroken ? failing : failing.slice(0, 1);
  for (const one of opened) lines.push('', ...details(one, exercise));
  const closed = failing.filter(
    (one) => !opened.includes(one) && one.verdict.status !== 'not started',
  );
  if (closed.length > 0 && !allBroken) lines.push('', ...shortly(closed, exercise.name));
  return lines.join('\n');
}

/** The last lines: the sum of all, and what the exercise is with the same data again. */
export function reportTotal(results: readonly ExerciseResult[], seed: number): string {
  const { points, of } = total(results.flatMap((result) => result.results));
  const sum =
    points === of ? colour.green(`${points} of ${of} points`) : `${points} of ${of} points`;
  return `${colour.bold('Total')}  ${sum}${colour.dim(`   (seed ${seed})`)}`;
}

function requirementLine(result: RequirementResult): string {
  const { requirement, verdict } = result;
  const earned = pointsOf(result);
  const points = earned > 0 ? `${earned}` : `0 of ${requirement.points}`;
  // Kept together while it is wrapped, or the points come to stand between the two words.
  const status = verdict.status.replace(' ', UNBREAKABLE);
  const said = ['passed', 'failed'].includes(verdict.status) ? '' : `  (${status})`;
  const [first = '', ...more] = wrap(
    `${requirement.title}${said}`,
    WIDTH - TITLE_INDENT - POINTS_WIDTH,
  ).map((line) => line.replaceAll(UNBREAKABLE, ' '));
  const text = verdict.status === 'not started' ? colour.dim : (line: string) => line;
  const head = ` ${MARKS[verdict.status]} ${String(requirement.number).padStart(2)}  ${text(first.padEnd(WIDTH - TITLE_INDENT - POINTS_WIDTH))}`;
  return [
    `${head}${points.padStart(POINTS_WIDTH)}`,
    ...more.map((line) => ' '.repeat(TITLE_INDENT) + text(line)),
  ].join('\n');
}

function scoreLine(results: readonly RequirementResult[]): string {
  const { points, of } = total(results);
  const text = `${points} of ${of} points`;
  return ' '.repeat(TITLE_INDENT) + (points === of ? colour.green(text) : text);
}

function shortly(results: readonly RequirementResult[], name: string): string[] {
  return [
    ...results.map(({ requirement, verdict }) => {
      const text = `${requirement.number}. ${verdict.happened ?? verdict.status}`.replaceAll(
        '\n',
        ' ',
      );
      return text.length > WIDTH ? `${text.slice(0, WIDTH - 3)}...` : text;
    }),
    colour.dim(`In full: npm run grade ${name} -- --all`),
  ];
}
