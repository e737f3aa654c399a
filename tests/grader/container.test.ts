import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBase } from '../support/base.ts';
import { Bench, ROOT } from '../support/workbook.ts';

const LONG = { timeout: 120_000 };
const WAIT = { timeout: 20_000 };

/** A class of one, and an environment in which `docker` is a program that only claims to be it. */
function classWith(bench: Bench, text: string) {
  const folder = join(bench.folder, 'class');
  mkdirSync(join(folder, 'anna'), { recursive: true });
  writeFileSync(join(folder, 'anna', 'orders.ts'), text);
  const programs = join(bench.folder, 'programs');
  mkdirSync(programs);
  symlinkSync(join(ROOT, 'tests/support/fake-docker.sh'), join(programs, 'docker'));
  const log = join(bench.folder, 'docker.log');
  const env = { PATH: `${programs}${delimiter}${process.env.PATH}`, FAKE_DOCKER_LOG: log };
  const args = ['grade', '--class', folder, '--out', join(bench.folder, 'out'), '--docker'];
  return { env, args, called: () => readFileSync(log, 'utf8') };
}

describe('npm run grade -- --class FOLDER --docker IMAGE', () => {
  it(
    'grades in a container that has no network, and only a copy of the submission',
    LONG,
    async () => {
      const bench = new Bench();
      const { env, args, called } = classWith(bench, readBase('orders'));

      const { code, stdout } = await bench.runWith({ env }, ...args, 'workbook-grader');

      expect(stdout).toContain('runs in a container of workbook-grader, with no network');
      expect(stdout).toContain('anna: graded, 100 points');
      expect(code).toBe(0);
      const [, run = ''] = /^docker run (.*)$/m.exec(called()) ?? [];
      for (const option of ['--rm', '--network none', '--read-only', '--cap-drop ALL']) {
        expect(run).toContain(option);
      }
      expect(run).toMatch(/--mount type=bind,source=[^ ]+,target=\/submissions,readonly/);
      expect(run).toMatch(/workbook-grader node grader\/classroom\/launch-worker\.cjs 2$/);
      expect(run.match(/--mount|--volume|-v /g)).toHaveLength(1);
      await expect.poll(() => bench.survivors(), WAIT).toEqual([]);
    },
  );

  it('ends the container of a student who takes too long', LONG, async () => {
    const bench = new Bench();
    const endless = 'export async function publishOrder() { await new Promise(() => {}); }\n';
    const { env, args, called } = classWith(bench, endless);

    const { stdout } = await bench.runWith({ env }, ...args, 'workbook-grader', '--limit', '3');

    expect(stdout).toContain('anna: stopped');
    const [, name = 'none'] = /--name (\S+)/.exec(called()) ?? [];
    expect(called()).toContain(`docker kill ${name}`);
    await expect.poll(() => bench.survivors(), WAIT).toEqual([]);
  });

  it('says how to build an image that is not there', LONG, async () => {
    const bench = new Bench();
    const { env, args } = classWith(bench, '');

    const { code, stderr } = await bench.runWith({ env }, ...args, 'nothing');

    expect(stderr).toContain('Docker cannot use the image nothing: Error: No such image: nothing');
    expect(stderr).toContain('docker build --tag nothing --file grader/classroom/Dockerfile .');
    expect(code).toBe(1);
  });
});
