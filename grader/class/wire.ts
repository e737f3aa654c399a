// What a class run and its workers say to each other, over the IPC channel of a child process.
import type { RequirementResult, TypeProblem } from '../result.ts';

/** One student's work, for one worker. */
export interface Order {
  readonly student: string;
  /** The file for each exercise, by the exercise's name. */
  readonly files: Readonly<Record<string, string>>;
  readonly seed: number;
}

/** How one file came out. */
export interface FileResult {
  /** The exercise's name. */
  readonly exercise: string;
  readonly file: string;
  readonly results: readonly RequirementResult[];
  readonly typeProblems: readonly TypeProblem[];
}

/** What a worker offers. */
export interface WorkerFunctions {
  grade(order: Order): Promise<FileResult[]>;
}

/** What a worker tells meanwhile: a submission that is stopped keeps what it has earned by then. */
export interface WorkerEvents {
  settled(exercise: string, result: RequirementResult): void;
}
