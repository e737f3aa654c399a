import { FILE_HEADERS_ONLY, formatPatch, type StructuredPatch, structuredPatch } from 'diff';
import type { Exercise } from '../../grader/exercises.ts';
import type { NumberedRequirement } from '../../grader/requirement.ts';
import { shownPath } from '../../system/paths.ts';
import { readText } from '../../system/read-text.ts';
import { colour } from '../../system/terminal/colour.ts';
import { visible } from '../../system/terminal/width.ts';
import { lineOfTask } from './task-function.ts';

export const NO_SOLUTIONS = 'This copy of the workbook comes without solutions.';

const CONTEXT = 3;
/** `---` and `+++`, the names of the two files. */
const HEADER_LINES = 2;

/** A text, and the line of it, from 0, that somebody wants to see first. */
export interface Opened {
  readonly text: string;
  readonly from: number;
}

/**
 * The solution, from where it solves a requirement's task.
 *
 * @throws UserError in a copy without solutions
 */
export function solutionText(exercise: Exercise, { task }: NumberedRequirement): Opened {
  const text = readText(exercise.solution, NO_SOLUTIONS);
  const lines = text.split('\n').map((line) => paintCode(visible(line)));
  return { text: lines.join('\n'), from: lineOfTask(exercise, task, text) };
}

/**
 * What makes the solution of the learner's file, as a unified diff; from where it solves a requirement's task, if one is given.
 *
 * @param howBack how a file comes back that is not there
 * @throws UserError when one of the two is not there
 */
export function solutionDiff(
  exercise: Exercise,
  requirement?: NumberedRequirement,
  howBack = `The starter comes back with: npm run reset ${exercise.name}`,
): Opened {
  const { file, solution } = exercise;
  const theirs = readText(solution, NO_SOLUTIONS);
  const own = readText(file, `There is no file ${shownPath(file)}. ${howBack}`);
  const [mine, right] = [
    { name: shownPath(file), text: own },
    { name: shownPath(solution), text: theirs },
  ];
  const wanted = requirement ? lineOfTask(exercise, requirement.task, theirs) : 0;
  return {
    text: unifiedDiff(mine, right),
    from: wanted === 0 ? 0 : lineInDiff(comparedLines(mine, right), wanted),
  };
}

interface Side {
  readonly name: string;
  readonly text: string;
}

/** Two texts compared line by line: what only the first has is red, what only the second has is green. */
export function unifiedDiff(first: Side, second: Side): string {
  const patch = comparedLines(first, second);
  if (patch.hunks.length === 0) return `${first.name} and ${second.name} are the same.`;
  const lines = formatPatch(patch, FILE_HEADERS_ONLY).trimEnd().split('\n');
  return lines.map((line) => paint(visible(line))).join('\n');
}

function comparedLines(first: Side, second: Side): StructuredPatch {
  return structuredPatch(first.name, second.name, first.text, second.text, undefined, undefined, {
    context: CONTEXT,
    stripTrailingCr: true,
  });
}

/** The line of a diff that shows this line of the second text, or else what comes after it; from 0. */
function lineInDiff({ hunks }: StructuredPatch, wanted: number): number {
  let at = HEADER_LINES;
  for (const { newStart, newLines, lines } of hunks) {
    // Hunks count lines from 1.
    let line = newStart - 1;
    if (wanted < line + newLines) {
      if (wanted < line) return at;
      for (const [index, text] of lines.entries()) {
        if (line === wanted && !text.startsWith('-')) return at + 1 + index;
        if (!/^[-\\]/.test(text)) line++;
      }
    }
    at += 1 + lines.length;
  }
  return 0;
}

function paint(line: string): string {
  if (line.startsWith('+')) return colour.green(line);
  if (line.startsWith('-')) return colour.red(line);
  return /^[@\\]/.test(line) ? colour.dim(line) : line;
}

/** Comments step back, and what a file exports stands out. */
function paintCode(line: string): string {
  if (/^\s*(\/\/|\/\*|\*)/.test(line)) return colour.dim(line);
  return /^export /.test(line) ? colour.bold(line) : line;
}
