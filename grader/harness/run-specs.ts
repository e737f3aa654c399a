import { afterAll, describe, inject } from 'vitest';
import type {} from '../vitest-types.ts';
import { gradeExercise, type Spec } from './grade-exercise.ts';
import { TestServers } from './test-server.ts';

/**
 * Makes vitest tests of the exercises that were asked for, side by side in one thread. They wait far more than they work;
 * what works is the submission, in processes of its own.
 *
 * @param specs by the exercise's folder; a spec is written for one submission, and which one, only that spec itself knows
 */
export function runSpecs(specs: Readonly<Record<string, Spec<never>>>): void {
  const servers = new TestServers();
  afterAll(() => servers.close());

  for (const assignment of inject('assignments').toReversed()) {
    const { folder, channel } = assignment;
    const spec = specs[folder];
    if (!spec) throw new Error(`grader/${folder} has no spec.ts`);
    describe.concurrent(channel, () => gradeExercise(spec, assignment, servers));
  }
}
