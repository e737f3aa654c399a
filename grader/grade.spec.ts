import { afterAll, describe, inject } from 'vitest';
import { gradeExercise, type Spec } from './harness/grade-exercise.ts';
import { TestServers } from './harness/test-server.ts';

// What vitest runs: the specs of the exercises that were asked for, side by side in one thread. They wait far more than
// they work; what works is the submission, in processes of its own.

/** A spec is written for one submission; which one, only that spec itself knows. */
const SPECS = import.meta.glob<{ spec: Spec<never> }>('./*/spec.ts');

const servers = new TestServers();
afterAll(() => servers.close());

for (const assignment of inject('assignments').toReversed()) {
  const { folder, channel } = assignment;
  const load = SPECS[`./${folder}/spec.ts`];
  if (!load) throw new Error(`grader/${folder} has no spec.ts`);
  const { spec } = await load();
  describe.concurrent(channel, () => gradeExercise(spec, assignment, servers));
}
