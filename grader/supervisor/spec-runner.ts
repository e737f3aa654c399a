import type { Reporter, TestCase, TestSpecification, Vitest } from 'vitest/node';
import { ROOT } from '../../workbook/paths.ts';
import type { Exercise } from '../catalogue.ts';
import type { Verdict } from '../requirement.ts';
import type { Assignment } from '../wire.ts';

/** What vitest says about one requirement. */
export interface Reported {
  readonly passed: boolean;
  readonly verdict: Verdict | undefined;
  readonly milliseconds: number;
  /** An error of the check itself. */
  readonly trouble: string | undefined;
}

type OnResult = (exercise: Exercise, id: string, reported: Reported) => void;

/** How many requirements are checked at a time: they wait more than they work. */
const AT_ONCE = 5;

/** Runs the specs of exercises in vitest, in a thread of this process. */
export class SpecRunner {
  readonly #vitest: Vitest;
  readonly #specs: readonly TestSpecification[];
  readonly #reports: { onResult(test: TestCase): void };

  private constructor(
    vitest: Vitest,
    specs: readonly TestSpecification[],
    reports: { onResult(test: TestCase): void },
  ) {
    this.#vitest = vitest;
    this.#specs = specs;
    this.#reports = reports;
  }

  static async start(): Promise<SpecRunner> {
    const { createVitest } = await import('vitest/node');
    const reports = { onResult: (_: TestCase) => {} };
    const reporter: Reporter = { onTestCaseResult: (test) => reports.onResult(test) };
    const vitest = await createVitest('test', {
      root: ROOT,
      config: false,
      watch: false,
      include: ['grader/grade.spec.ts'],
      pool: 'threads',
      maxConcurrency: AT_ONCE,
      reporters: [reporter],
      // A spec that hangs is a bug of the grader; the checks have time limits of their own.
      teardownTimeout: 2000,
    });
    return new SpecRunner(vitest, await vitest.globTestSpecifications(), reports);
  }

  /** Checks the assigned requirements of these exercises. */
  async run(
    assignments: readonly { readonly exercise: Exercise; readonly assignment: Assignment }[],
    onResult: OnResult,
  ): Promise<void> {
    if (assignments.length === 0) return;
    const byFolder: Record<string, Assignment> = {};
    for (const { exercise, assignment } of assignments) byFolder[exercise.folder] = assignment;
    this.#vitest.provide('assignments', byFolder);
    this.#reports.onResult = (test) => {
      const folder = test.parent.type === 'suite' ? test.parent.name : '';
      const assigned = assignments.find(({ exercise }) => exercise.folder === folder);
      if (assigned) onResult(assigned.exercise, test.name, reportOf(test));
    };
    await this.#vitest.runTestSpecifications([...this.#specs], true);
  }

  async close(): Promise<void> {
    await this.#vitest.close();
  }
}

function reportOf(test: TestCase): Reported {
  const { state, errors } = test.result();
  return {
    passed: state === 'passed',
    verdict: test.meta().verdict,
    milliseconds: Math.round(test.diagnostic()?.duration ?? 0),
    trouble: errors?.[0]?.message,
  };
}
