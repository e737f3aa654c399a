import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Exercise } from '../../grader/exercises.ts';

/** A comment, and the function below it: `/** Tasks 3 and 5 to 8. ... *\/ export async function runWorker(`. */
const DOCUMENTED = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export (?:async )?function (\w+)/g;

/** The task of that number, as an exercise's README tells it. */
export function readTask({ file }: Exercise, number: number): string | undefined {
  const readme = join(dirname(file), 'README.md');
  if (!existsSync(readme)) return undefined;
  const sections = readFileSync(readme, 'utf8').split(/^(?=#{2,3} )/m);
  return sections.find((section) => section.startsWith(`### ${number}.`));
}

/**
 * The line of a solution, from 0, that begins with what a task asks for: the comment of the function that the task's heading
 * names; or the one whose comment names the task; or the first one that the task's text names. 0 when there is none.
 */
export function lineOfTask(exercise: Exercise, task: number, solution: string): number {
  const text = readTask(exercise, task) ?? '';
  const [heading = ''] = text.split('\n');
  const functions = [...solution.matchAll(DOCUMENTED)].map(
    ({ 1: doc = '', 2: name = '', index }) => ({
      doc,
      name,
      line: solution.slice(0, index).split('\n').length - 1,
    }),
  );
  const namedIn = (where: string) => functions.find(({ name }) => where.includes(`\`${name}\``));
  const asked =
    namedIn(heading) ?? functions.find(({ doc }) => tasksOf(doc).has(task)) ?? namedIn(text);
  return asked?.line ?? 0;
}

/** The tasks that a comment begins with: `Tasks 3 and 5 to 8.` */
function tasksOf(doc: string): Set<number> {
  const [, list = ''] = /^[\s*]*Tasks? ([\d, andto]+)\./.exec(doc) ?? [];
  return new Set(
    [...list.matchAll(/(\d+)(?: to (\d+))?/g)].flatMap(([, first, last = first]) =>
      Array.from({ length: Number(last) - Number(first) + 1 }, (_, at) => Number(first) + at),
    ),
  );
}
