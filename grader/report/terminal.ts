import { relative } from 'node:path';
import { ROOT } from '../../workbook/paths.ts';
import { colour } from '../../workbook/terminal/colour.ts';
import { paragraph } from '../../workbook/terminal/paragraph.ts';
import type { Status } from '../requirement.ts';
import { type ExerciseResult, pointsOf, type RequirementResult, total } from '../result.ts';

const LABEL_WIDTH = 12;
const TITLE_INDENT = 7;
const POINTS_WIDTH = 10;
const WIDTH = 80;
const PRINTED_LINES = 12;
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
    colour.bold(`${exercise.number}. ${exercise.title}`) + colour.dim(`  ${shortPath(file)}`),
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
  for (const one of opened) lines.push('', ...details(one, result));
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
  const { number, requirement, verdict } = result;
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
  const head = ` ${MARKS[verdict.status]} ${String(number).padStart(2)}  ${text(first.padEnd(WIDTH - TITLE_INDENT - POINTS_WIDTH))}`;
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

function typeLines({ typeProblems }: ExerciseResult): string[] {
  if (typeProblems.length === 0) return [];
  return [
    '',
    paragraph('TypeScript complains (this costs no points, but it is often right):'),
    ...typeProblems.map(({ place, message }) => paragraph(`${place}  ${message}`, '  ')),
  ];
}

function details(
  { number, requirement, verdict }: RequirementResult,
  result: ExerciseResult,
): string[] {
  const { exercise } = result;
  const heading = colour.bold(paragraph(`${number}. ${requirement.title}`));
  if (verdict.status === 'not started') {
    return [
      heading,
      labelled('start here', `task ${requirement.task} of exercises/${exercise.folder}/README.md`),
      labelled('then', `npm run grade ${exercise.name} ${number}`),
    ];
  }
  const lesson = requirement.lesson;
  return [
    heading,
    ...optional('expected', verdict.expected),
    ...optional('happened', verdict.happened),
    ...optional('at', verdict.frame && shortPath(verdict.frame)),
    ...block('sent to Redis', verdict.commands),
    ...block('in Redis now', verdict.state),
    ...block('printed', verdict.printed?.flatMap(printedLines)),
    labelled('read', `chapter ${lesson.chapter}, "${lesson.heading}"`),
    labelled(
      'next',
      `npm run hint ${exercise.name} ${number}, and npm run grade ${exercise.name} ${number}`,
    ),
  ];
}

function shortly(results: readonly RequirementResult[], name: string): string[] {
  return [
    ...results.map(({ number, verdict }) => {
      const text = `${number}. ${verdict.happened ?? verdict.status}`.replaceAll('\n', ' ');
      return text.length > WIDTH ? `${text.slice(0, WIDTH - 3)}...` : text;
    }),
    colour.dim(`In full: npm run grade ${name} -- --all`),
  ];
}

function optional(label: string, text: string | undefined): string[] {
  return text ? [labelled(label, text)] : [];
}

/** A label in a column of its own, and the text wrapped beside it. */
function labelled(label: string, text: string): string {
  const [first = '', ...more] = wrap(text, WIDTH - LABEL_WIDTH - 2);
  const indent = ' '.repeat(LABEL_WIDTH + 2);
  return [
    `  ${colour.cyan(label.padEnd(LABEL_WIDTH))}${first}`,
    ...more.map((line) => indent + line),
  ].join('\n');
}

function block(label: string, lines: readonly string[] | undefined): string[] {
  if (!lines || lines.length === 0) return [];
  return [`  ${colour.cyan(label)}`, ...lines.map((line) => `    ${line}`)];
}

function printedLines({ worker, text }: { worker: string; text: string }): string[] {
  const lines = text.trimEnd().split('\n');
  const shown = lines.slice(0, PRINTED_LINES).map((line) => `${worker} | ${line}`);
  const left = lines.length - shown.length;
  return left > 0 ? [...shown, `${worker} | ... and ${left} lines more`] : shown;
}

function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) =>
    paragraph(line, ' '.repeat(WIDTH - width))
      .split('\n')
      .map((part) => part.slice(WIDTH - width)),
  );
}

function shortPath(file: string): string {
  const path = relative(ROOT, file);
  return path.startsWith('..') ? file : path;
}
