import { stripVTControlCharacters } from 'node:util';
import { sectionsOf } from '../../report/sections.ts';
import { type ExerciseResult, pointsOf, type RequirementResult } from '../../result.ts';

/**
 * The results as Gradescope's `results.json`
 * (https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format). The points of the tests add up to the
 * score; there is no score of its own beside them that could differ.
 */
export function toGradescope(results: readonly ExerciseResult[], seed: number): string {
  const all = results.flatMap(({ exercise, results }) =>
    results.map((result) => test(result, exercise.number, exercise.name)),
  );
  const milliseconds = results
    .flatMap((result) => result.results)
    .reduce((sum, result) => sum + result.milliseconds, 0);
  const complaints = results.flatMap(({ typeProblems }) =>
    typeProblems.map(({ place, message }) => `TypeScript: ${place} ${message}`),
  );
  const file = {
    execution_time: Math.round(milliseconds / 1000),
    output: [`Seed ${seed}.`, ...complaints].join('\n'),
    output_format: 'text',
    visibility: 'visible',
    stdout_visibility: 'hidden',
    extra_data: { seed },
    tests: all,
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

function test(result: RequirementResult, exercise: number, name: string) {
  const { requirement, verdict } = result;
  const { findings, blocks } = sectionsOf(verdict);
  const lines = [
    ...(verdict.status === 'passed' ? [] : [verdict.status]),
    ...findings.map(({ label, text }) => `${label}: ${text}`),
    ...blocks.flatMap(({ title, lines }) => ['', title, ...lines]),
  ];
  return {
    number: `${exercise}.${requirement.number}`,
    name: `${name} ${requirement.number}. ${requirement.title}`,
    score: pointsOf(result),
    max_score: requirement.points,
    status: verdict.status === 'passed' ? 'passed' : 'failed',
    output: stripVTControlCharacters(lines.join('\n')),
    output_format: 'text',
    tags: [name, `task ${requirement.task}`],
    visibility: 'visible',
  };
}
