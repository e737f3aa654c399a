import type { TestCase } from 'vitest/node';
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

/** Checks the assigned requirements. */
export type RunSpecs = (
  assignments: readonly Assignment[],
  onResult: (assignment: Assignment, id: string, reported: Reported) => void,
) => Promise<void>;

/**
 * Starts vitest in a thread of this process.
 *
 * @param specs the URL of the file that makes tests of assignments
 * @param atOnce how many requirements are checked at a time
 */
export async function startVitest(specs: string, atOnce: number): Promise<RunSpecs> {
  const { createVitest } = await import('vitest/node');
  const restore = keepSignalHandlers();
  let report = (_: TestCase) => {};
  const vitest = await createVitest('test', {
    root: ROOT,
    config: false,
    watch: false,
    include: ['grader/grade.spec.ts'],
    pool: 'threads',
    maxConcurrency: atOnce,
    reporters: [{ onTestCaseResult: (test: TestCase) => report(test) }],
  });
  vitest.provide('specs', specs);
  restore();
  const specifications = await vitest.globTestSpecifications();
  return async (assignments, onResult) => {
    if (assignments.length === 0) return;
    vitest.provide('assignments', assignments);
    report = (test) => {
      const suite = test.parent.type === 'suite' ? test.parent.name : '';
      const assignment = assignments.find(({ channel }) => channel === suite);
      if (assignment) onResult(assignment, test.name, reportOf(test));
    };
    await vitest.runTestSpecifications([...specifications], true);
  };
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
