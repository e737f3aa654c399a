import { shownPath } from '../../system/paths.ts';
import { colour } from '../../system/terminal/colour.ts';
import { paragraph } from '../../system/terminal/paragraph.ts';
import type { Exercise } from '../exercises.ts';
import type { ExerciseResult, RequirementResult } from '../result.ts';

const LABEL_WIDTH = 12;
const WIDTH = 80;
const PRINTED_LINES = 12;

/** All that is to be said about a requirement that has not passed. */
export function details(
  { number, requirement, verdict }: RequirementResult,
  exercise: Exercise,
): string[] {
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
    ...optional('at', verdict.frame && shownPath(verdict.frame)),
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
