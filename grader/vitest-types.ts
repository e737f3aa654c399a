import type { Assignment } from './messages.ts';
import type { Verdict } from './requirement.ts';

// What the grader hands through vitest: to a spec what it is to check, and back how that came out.
declare module 'vitest' {
  interface ProvidedContext {
    assignments: readonly Assignment[];
    /** The URL of a file that makes tests of them. */
    specs: string;
  }
  interface TaskMeta {
    verdict?: Verdict;
  }
}
