import type { Exercise } from './exercises.ts';
import type { NumberedRequirement, Verdict } from './requirement.ts';

/** How one requirement came out. */
export interface RequirementResult {
  readonly requirement: NumberedRequirement;
  readonly verdict: Verdict;
  readonly milliseconds: number;
}

/** A complaint of the TypeScript compiler. It costs no points. */
export interface TypeProblem {
  /** `orders.ts:42:11` */
  readonly place: string;
  readonly message: string;
}

/** How a submission came out. */
export interface ExerciseResult {
  readonly exercise: Exercise;
  /** The file that was graded. */
  readonly file: string;
  readonly results: readonly RequirementResult[];
  readonly typeProblems: readonly TypeProblem[];
}

export function pointsOf({ requirement, verdict }: RequirementResult): number {
  return verdict.status === 'passed' ? requirement.points : 0;
}

export function total(results: readonly RequirementResult[]): { points: number; of: number } {
  return {
    points: results.reduce((sum, result) => sum + pointsOf(result), 0),
    of: results.reduce((sum, { requirement }) => sum + requirement.points, 0),
  };
}

export function allPassed(results: readonly ExerciseResult[]): boolean {
  return results.every(({ results }) =>
    results.every(({ verdict }) => verdict.status === 'passed'),
  );
}
