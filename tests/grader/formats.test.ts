import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { create } from 'xmlbuilder2';
import { changed, FORGETFUL } from '../support/base.ts';
import { Bench, ROOT } from '../support/workbook.ts';
import { CLASSROOM50, GRADESCOPE, JUNIT, WORKBOOK } from './schemas.ts';

const LONG = { timeout: 120_000 };

const schemas = new Ajv();
const RUNNER = {
  CLASSROOM: 'streams',
  ASSIGNMENT: 'orders',
  ASSIGNMENT_TYPE: 'individual',
  OWNER: 'anna',
  SUBMISSION_TAG: 'submit/3',
  COMMIT_URL: 'https://example.org/c',
  RELEASE_URL: 'https://example.org/r',
  REVIEW_URL: 'https://example.org/v',
};

interface Test {
  readonly score: number;
  readonly max_score?: number;
  readonly 'max-score'?: number;
}

/** What a schema has to say against a value. */
function complaints(schema: object, value: unknown): unknown[] {
  schemas.validate(schema, value);
  return schemas.errors ?? [];
}

/** What JUnit XML does not know, in this element and below. */
function strangersIn(value: unknown, element: string): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => strangersIn(one, element));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, below]) => {
    const stranger = JUNIT[element]?.includes(name) ? [] : [`${element}/${name}`];
    return [...stranger, ...strangersIn(below, name)];
  });
}

describe('the formats that other systems read', () => {
  it('agree on every point, also when something has crashed', LONG, async () => {
    const bench = new Bench();
    const file = join(bench.folder, 'orders.ts');
    // One requirement fails, one crashes its process.
    const counting = '  const [, , , consumers] =';
    writeFileSync(file, changed(FORGETFUL, [counting, `  process.exit(3);\n${counting}`]));
    const paths = ['json', 'junit', 'gradescope', 'classroom50'].map((format) => ({
      format,
      path: join(bench.folder, `results.${format}`),
    }));
    const options = paths.flatMap(({ format, path }) => [`--${format}`, path]);

    const { code } = await bench.runWith(
      { env: RUNNER },
      ...['grade', 'orders', '--file', file, ...options],
    );

    expect(code).toBe(1);
    const [json = '', junit = '', gradescope = '', classroom50 = ''] = paths.map(({ path }) =>
      readFileSync(path, 'utf8'),
    );
    const { points } = JSON.parse(json);
    expect(complaints(WORKBOOK, JSON.parse(json))).toEqual([]);
    expect(points).toBe(90);

    const scope: { tests: Test[] } = JSON.parse(gradescope);
    expect(complaints(GRADESCOPE, scope)).toEqual([]);
    expect(scope.tests).toHaveLength(15);
    expect(scope.tests.reduce((sum, { score }) => sum + score, 0)).toBe(points);
    expect(scope.tests.reduce((sum, test) => sum + (test.max_score ?? 0), 0)).toBe(100);
    expect(scope.tests[8]).toMatchObject({ number: '1.9', score: 0, status: 'failed' });
    expect(gradescope).not.toContain('\r');

    const fifty = JSON.parse(classroom50);
    expect(complaints(CLASSROOM50, fifty)).toEqual([]);
    expect(fifty).toMatchObject({
      schema: 'classroom50/result/v1',
      submission: 'submit/3',
      owner: 'anna',
      score: points,
      'max-score': 100,
    });
    // When the commit was made, not when it is graded.
    const show = ['show', '--no-patch', '--format=%ct', 'HEAD'];
    const { stdout: committed } = spawnSync('git', show, { cwd: ROOT, encoding: 'utf8' });
    if (committed) expect(Date.parse(fifty.datetime)).toBe(Number(committed) * 1000);
    expect(fifty.tests.reduce((sum: number, { score }: Test) => sum + score, 0)).toBe(points);

    expect(junit).toContain('tests="15" failures="1" errors="1"');
    const { testsuites } = JSON.parse(create(junit).end({ format: 'json' }));
    expect(strangersIn(testsuites, 'testsuites')).toEqual([]);
    const inJunit = [...junit.matchAll(/name="points" value="(\d+)"/g)].map(([, value]) =>
      Number(value),
    );
    expect(inJunit.reduce((sum, value) => sum + value, 0)).toBe(points);
  });

  it('says what is missing when Classroom 50 has not started it', async () => {
    const bench = new Bench();
    const path = join(bench.folder, 'result.json');

    const { code, stdout, stderr } = await bench.run('grade', '--classroom50', path);

    // Before the grading, not after it.
    expect(stdout).toBe('');
    expect(stderr).toContain("--classroom50 is for Classroom 50's runner");
    expect(stderr).not.toMatch(/^ +at /m);
    expect(code).toBe(1);
  });
});
