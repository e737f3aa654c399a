import { type ExerciseResult, pointsOf, total } from '../../result.ts';

/** The results as `--json` writes them. All numbers are integers. */
export function toJson(results: readonly ExerciseResult[], seed: number): string {
  const exercises = results.map(({ exercise, file, results, typeProblems }) => ({
    number: exercise.number,
    name: exercise.name,
    title: exercise.title,
    file,
    ...total(results),
    requirements: results.map((result) => ({
      number: result.requirement.number,
      id: result.requirement.id,
      title: result.requirement.title,
      points: pointsOf(result),
      of: result.requirement.points,
      milliseconds: result.milliseconds,
      ...result.verdict,
    })),
    typeProblems,
  }));
  const sum = total(results.flatMap((result) => result.results));
  return `${JSON.stringify({ version: 1, seed, ...sum, exercises }, null, 2)}\n`;
}
