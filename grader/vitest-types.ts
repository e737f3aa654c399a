import type { Verdict } from './requirement.ts';
import type { Assignment } from './wire.ts';

// What the grader hands through vitest: to a spec what it is to check, and back how that came out.
declare module 'vitest' {
  interface ProvidedContext {
    /** By the folder of the exercise. */
    assignments: Record<string, Assignment>;
  }
  interface TaskMeta {
    verdict?: Verdict;
  }
}
