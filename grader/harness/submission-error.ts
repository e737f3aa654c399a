import type { Problem } from '../messages.ts';

/** The submission itself has failed: this is no broken expectation, but a crash. */
export class SubmissionError extends Error {
  override readonly name = 'SubmissionError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.kind);
    this.problem = problem;
  }
}
