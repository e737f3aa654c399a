import type { Reporter, TestCase, TestSpecification, Vitest } from 'vitest/node';
import { ROOT } from '../../system/paths.ts';
import type { Assignment } from '../messages.ts';
import type { Verdict } from '../requirement.ts';

/** What vitest says about one requirement. */
export interface Reported {
  readonly passed: boolean;
  readonly verdict: Verdict | undefined;
  readonly milliseconds: number;
  /** An error of the check itself. */
  readonly trouble: string | undefined;
}

type OnResult = (assignment: Assignment, id: string, reported: Reported) => void;

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

  /**
   * @param specs the URL of the file that makes tests of assignments
   * @param atOnce how many requirements are checked at a time
   */
  static async start(specs: string, atOnce: number): Promise<SpecRunner> {
    const { createVitest } = await import('vitest/node');
    const restore = keepSignalHandlers();
    const reports = { onResult: (_: TestCase) => {} };
    const reporter: Reporter = { onTestCaseResult: (test) => reports.onResult(test) };
    const vitest = await createVitest('test', {
      root: ROOT,
      config: false,
      watch: false,
      include: ['grader/grade.spec.ts'],
      pool: 'threads',
      maxConcurrency: atOnce,
      reporters: [reporter],
    });
    vitest.provide('specs', specs);
    restore();
    return new SpecRunner(vitest, await vitest.globTestSpecifications(), reports);
  }

  /** Checks the assigned requirements. */
  async run(assignments: readonly Assignment[], onResult: OnResult): Promise<void> {
    if (assignments.length === 0) return;
    this.#vitest.provide('assignments', assignments);
    this.#reports.onResult = (test) => {
      const suite = test.parent.type === 'suite' ? test.parent.name : '';
      const assignment = assignments.find(({ channel }) => channel === suite);
      if (assignment) onResult(assignment, test.name, reportOf(test));
    };
    await this.#vitest.runTestSpecifications([...this.#specs], true);
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

/** Vitest ends the process on a signal, one millisecond later: but it is ours, and we tidy up first. */
function keepSignalHandlers(): () => void {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const before = new Map(signals.map((signal) => [signal, process.listeners(signal)]));
  return () => {
    for (const [signal, ours] of before) {
      for (const listener of process.listeners(signal)) {
        if (!ours.includes(listener)) process.off(signal, listener);
      }
    }
  };
}
