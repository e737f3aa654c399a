import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { unzipSync } from 'fflate';
import { describe, expect, it, onTestFinished } from 'vitest';
import which from 'which';
import { dismissGuardian } from '../../system/process/guardian.ts';
import { command } from '../../workbook/commands/gradescope-zip.ts';
import { GRADESCOPE } from '../grader/schemas.ts';
import { FORGETFUL } from '../support/base.ts';
import { expectNothingLeft, expectRefused } from '../support/expectations.ts';
import { writeScript } from '../support/fake-programs.ts';
import { Bench, ROOT } from '../support/workbook.ts';

const LONG = { timeout: 120_000 };
const PROGRAMS = ['setup.sh', 'run_autograder'];

/** Unpacks a zip as Gradescope does, with `unzip` where there is one: it keeps what can be executed. */
async function unpack(bench: Bench, zip: string, folder: string): Promise<void> {
  const unzip = which.sync('unzip', { nothrow: true });
  if (unzip) {
    expect((await bench.spawn(unzip, ['-q', zip, '-d', folder]).ended).code).toBe(0);
    return;
  }
  for (const [name, content] of Object.entries(unzipSync(readFileSync(zip)))) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  for (const name of PROGRAMS) chmodSync(join(folder, name), 0o755);
}

/** An `/autograder`, as far as Gradescope has made it before it runs `setup.sh`. */
async function autograder(bench: Bench): Promise<string> {
  const zip = join(bench.folder, 'autograder.zip');
  const folder = join(bench.folder, 'autograder');
  const made = await bench.run('gradescope-zip', zip, '--only', 'orders', '--seed', '5');
  expect(made.stdout).toContain('Exercises: orders. Seed 5, 540 seconds for a submission.');
  expect(made.code).toBe(0);
  for (const name of ['source', 'submission', 'results']) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  await unpack(bench, zip, join(folder, 'source'));
  copyFileSync(join(folder, 'source/run_autograder'), join(folder, 'run_autograder'));
  return folder;
}

describe('npm run gradescope-zip', () => {
  it('makes an autograder that sets itself up and grades', LONG, async () => {
    const bench = new Bench();
    const folder = await autograder(bench);
    const source = join(folder, 'source');
    for (const name of PROGRAMS) expect(statSync(join(source, name)).mode & 0o111).toBe(0o111);
    expect(existsSync(join(source, 'workbook/solutions'))).toBe(false);
    expect(existsSync(join(source, 'workbook/exercises/03-shopping-cart'))).toBe(false);

    // What needs a network is done by programs that only say that they were called.
    const fakes = join(bench.folder, 'fakes');
    const log = join(bench.folder, 'called');
    writeScript(join(fakes, 'apt-get'), `echo "apt-get $*" >> "${log}"`);
    writeScript(
      join(fakes, 'curl'),
      `echo "curl $*" >> "${log}"`,
      'for url; do :; done',
      'case $url in *SHASUMS256.txt) echo "0  $(ls node-v*.tar.xz)" ;; *) : > "$(basename "$url")" ;; esac',
    );
    writeScript(join(fakes, 'sha256sum'), 'grep -q "node-v.*tar.xz"');
    writeScript(join(fakes, 'tar'), `echo "tar $*" >> "${log}"`);
    writeScript(
      join(fakes, 'npm'),
      `echo "npm $*" >> "${log}"`,
      `[ "$1" = ci ] && cp -R "${join(ROOT, 'node_modules')}" node_modules`,
      'exit 0',
    );
    const env = { PATH: `${fakes}:${process.env.PATH}` };
    const setUp = await bench.spawn('bash', ['setup.sh'], { cwd: source, env }).ended;
    expect(setUp.stderr).toBe('');
    expect(setUp.code).toBe(0);
    const called = readFileSync(log, 'utf8');
    expect(called).toMatch(
      /apt-get install .*redis-server[\s\S]*curl .*nodejs\.org[\s\S]*tar .*\/usr\/local[\s\S]*npm ci\nnpm run doctor/,
    );

    writeFileSync(join(folder, 'submission', 'orders.ts'), FORGETFUL);
    const { code } = await bench.spawn(join(folder, 'run_autograder'), [], { cwd: folder }).ended;

    expect(code).toBe(0);
    const results = JSON.parse(readFileSync(join(folder, 'results/results.json'), 'utf8'));
    const schemas = new Ajv();
    expect(schemas.validate(GRADESCOPE, results), JSON.stringify(schemas.errors)).toBe(true);
    const scores: number[] = results.tests.map(({ score }: { score: number }) => score);
    expect(scores.reduce((sum, score) => sum + score, 0)).toBe(94);
    expect(results.tests).toHaveLength(15);
    expect(results.extra_data.seed).toBe(5);

    // Who has handed in something else, or nothing, has results as well.
    renameSync(join(folder, 'submission', 'orders.ts'), join(folder, 'submission', 'order.ts'));
    const other = await bench.spawn(join(folder, 'run_autograder'), [], { cwd: folder }).ended;

    expect(other.code).toBe(0);
    const { tests } = JSON.parse(readFileSync(join(folder, 'results/results.json'), 'utf8'));
    expect(tests).toHaveLength(15);
    for (const test of tests) {
      expect(test).toMatchObject({ score: 0, status: 'failed' });
      expect(test.output).toContain('nothing was handed in');
    }
    await expectNothingLeft(bench, 'autograder', 'autograder.zip', 'fakes', 'called');
  });

  it.each([
    [[], 'One file, please'],
    [['a.zip', '--only', 'order,nothing'], "There is no exercise 'nothing'"],
    [['/nowhere/a.zip'], '/nowhere/a.zip'],
    [['a.zip', '--limit', 'long'], "--limit is a whole number, 1 or more, not 'long'."],
  ])('%j is refused', async (typed, message) => {
    onTestFinished(dismissGuardian);

    await expectRefused(command, typed, message);
  });
});
