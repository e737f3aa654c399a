import { wrapAnsi } from 'fast-wrap-ansi';
import { colour } from '../../system/terminal/colour.ts';
import { paragraph } from '../../system/terminal/paragraph.ts';
import { widthOf } from '../../system/terminal/width.ts';
import type { Exercise } from '../exercises.ts';
import type { ExerciseResult, RequirementResult } from '../result.ts';
import { type Section, sectionsOf } from './sections.ts';

const LABEL_WIDTH = 12;
const WIDTH = 80;
const NARROWEST = 20;
const PRINTED_LINES = 12;

/**
 * All that is to be said about a requirement that has not passed.
 *
 * @param next what to do next, where it is not a command
 */
export function details(
  { requirement, verdict }: RequirementResult,
  exercise: Exercise,
  next?: string,
): string[] {
  const { number, title, lesson } = requirement;
  const heading = colour.bold(paragraph(`${number}. ${title}`));
  if (verdict.status === 'not started') {
    return [
      heading,
      labelled('start here', `task ${requirement.task} of exercises/${exercise.folder}/README.md`),
      labelled('then', next ?? `npm run grade ${exercise.name} ${number}`),
    ];
  }
  const { findings, blocks } = sectionsOf(verdict, PRINTED_LINES);
  return [
    heading,
    ...findings.map(({ label, text }) => labelled(label, text)),
    ...blocks.flatMap(block),
    labelled('read', `chapter ${lesson.chapter}, "${lesson.heading}"`),
    labelled(
      'next',
      next ??
        `npm run hint ${exercise.name} ${number}, and npm run grade ${exercise.name} ${number}`,
    ),
  ];
}

/** What TypeScript says about the file. */
export function typeLines({ typeProblems }: ExerciseResult): string[] {
  if (typeProblems.length === 0) return [];
  return [
    '',
    paragraph('TypeScript complains (this costs no points, but it is often right):'),
    ...typeProblems.map(({ place, message }) => paragraph(`${place}  ${message}`, '  ')),
  ];
}

/** The lines of `text`, none longer than `width`. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) =>
    paragraph(line, ' '.repeat(WIDTH - width))
      .split('\n')
      .map((part) => part.slice(WIDTH - width)),
  );
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

function block({ title, lines }: Section): string[] {
  return [`  ${colour.cyan(title)}`, ...lines.flatMap(shownLine)];
}

/** A line as it is; on a terminal, what is too long for it goes on below, under its own second column. */
function shownLine(line: string): string[] {
  const whole = `    ${line}`;
  const { isTTY, columns = WIDTH } = process.stdout;
  if (!isTTY || widthOf(whole) <= columns) return [whole];
  const [column = '    '] = /^ *\S+ {2,}/.exec(whole) ?? /^ */.exec(whole) ?? [];
  const room = Math.max(NARROWEST, columns - column.length - 2);
  const [first = '', ...more] = wrapAnsi(whole.slice(column.length), room).split('\n');
  const indent = ' '.repeat(column.length + 2);
  return [column + first, ...more.map((part) => indent + part)];
}
