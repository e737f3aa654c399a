import type { Assignment } from './messages.ts';
import type { Verdict } from './requirement.ts';

// What the grader hands through vitest: to a spec what it is to check, and back how that came out.
/** Vite's own; its types are not worth a dependency for one function. */
declare global {
  interface ImportMeta {
    glob<Module>(pattern: string): Record<string, () => Promise<Module>>;
  }
}

declare module 'vitest' {
  interface ProvidedContext {
    assignments: readonly Assignment[];
  }
  interface TaskMeta {
    verdict?: Verdict;
  }
}
