import { spawnSync } from 'node:child_process';
import { UserError } from '../../../system/process/user-error.ts';
import { type ExerciseResult, pointsOf, total } from '../../result.ts';

const SCHEMA = 'classroom50/result/v1';
/** What Classroom 50's runner says of the submission, and where it goes in the result. */
const FROM_THE_RUNNER = {
  CLASSROOM: 'classroom',
  ASSIGNMENT: 'assignment',
  ASSIGNMENT_TYPE: 'assignment_type',
  OWNER: 'owner',
  SUBMISSION_TAG: 'submission',
  COMMIT_URL: 'commit',
  RELEASE_URL: 'release',
  REVIEW_URL: 'review',
} as const;

/**
 * What its runner says of the submission, by the names of the result's fields.
 *
 * @throws UserError when this was not started by its runner, which names the submission in the environment
 */
export function checkRunner(): Record<string, string> {
  const about: Record<string, string> = {};
  for (const [variable, field] of Object.entries(FROM_THE_RUNNER)) {
    // Older runners say USERNAME.
    const older = variable === 'OWNER' ? process.env.USERNAME : undefined;
    const value = process.env[variable] ?? older;
    if (!value) {
      throw new UserError(
        `--classroom50 is for Classroom 50's runner, which sets ${Object.keys(FROM_THE_RUNNER).join(', ')}. ` +
          `${variable} is not set.`,
      );
    }
    about[field] = value;
  }
  return about;
}

/**
 * The results as Classroom 50's `result.json`, schema `classroom50/result/v1`.
 *
 * @throws UserError when this was not started by its runner, which names the submission in the environment
 */
export function toClassroom50(results: readonly ExerciseResult[]): string {
  const about = checkRunner();
  const all = results.flatMap(({ exercise, results }) =>
    results.map((result) => ({ exercise: exercise.name, result })),
  );
  const { points, of } = total(all.map(({ result }) => result));
  const file = {
    schema: SCHEMA,
    ...about,
    datetime: submittedAt(),
    graded_at: withoutMilliseconds(new Date()),
    score: points,
    'max-score': of,
    tests: all.map(({ exercise, result }) => ({
      'test-name': `${exercise} ${result.requirement.number}. ${result.requirement.title}`,
      passed: result.verdict.status === 'passed',
      score: pointsOf(result),
      'max-score': result.requirement.points,
      status: result.verdict.status,
      ...(result.verdict.happened ? { message: result.verdict.happened } : {}),
    })),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** When the graded commit was made, so that a regrade does not make it late. Outside of a repository, now. */
function submittedAt(): string {
  const show = spawnSync('git', ['show', '--no-patch', '--format=%cI', 'HEAD'], {
    encoding: 'utf8',
  });
  const date = new Date(show.stdout?.trim() || Number.NaN);
  return withoutMilliseconds(Number.isNaN(date.getTime()) ? new Date() : date);
}

/** As the schema wants it: `2026-08-31T23:59:59Z`. */
function withoutMilliseconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}
