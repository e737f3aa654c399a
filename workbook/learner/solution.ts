import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from 'diff';
import type { Exercise } from '../../grader/exercises.ts';
import { shownPath } from '../../system/paths.ts';
import { readText } from '../../system/read-text.ts';
import { colour } from '../../system/terminal/colour.ts';
import { visible } from '../../system/terminal/width.ts';

export const NO_SOLUTIONS = 'This copy of the workbook comes without solutions.';

const CONTEXT = 3;

/** @throws UserError in a copy without solutions */
export function solutionText({ solution, folder }: Exercise): string {
  const text = readText(solution, NO_SOLUTIONS);
  return `${shownPath(solution)}; solutions/${folder}/README.md says why.\n\n${text}`;
}

/**
 * What makes the solution of the learner's file, as a unified diff.
 *
 * @throws UserError when one of the two is not there
 */
export function solutionDiff({ name, file, solution }: Exercise): string {
  const theirs = readText(solution, NO_SOLUTIONS);
  const own = readText(
    file,
    `There is no file ${shownPath(file)}. The starter comes back with: npm run reset ${name}`,
  );
  return unifiedDiff(
    { name: shownPath(file), text: own },
    { name: shownPath(solution), text: theirs },
  );
}

interface Side {
  readonly name: string;
  readonly text: string;
}

/** Two texts compared line by line: what only the first has is red, what only the second has is green. */
export function unifiedDiff(first: Side, second: Side): string {
  const patch = structuredPatch(
    first.name,
    second.name,
    first.text,
    second.text,
    undefined,
    undefined,
    { context: CONTEXT, stripTrailingCr: true },
  );
  if (patch.hunks.length === 0) return `${first.name} and ${second.name} are the same.`;
  const lines = formatPatch(patch, FILE_HEADERS_ONLY).trimEnd().split('\n');
  return lines.map((line) => paint(visible(line))).join('\n');
}

function paint(line: string): string {
  if (line.startsWith('+')) return colour.green(line);
  if (line.startsWith('-')) return colour.red(line);
  return /^[@\\]/.test(line) ? colour.dim(line) : line;
}
