import { chmodSync, cpSync, existsSync, unlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBase } from '../support/base.ts';
import { copyOfTheWorkbook } from '../support/copy.ts';
import { writeScript } from '../support/fake-programs.ts';
import { BEHIND, doing, writeClass } from '../support/walls.ts';
import { Bench, ROOT } from '../support/workbook.ts';

const LONG = { timeout: 180_000 };
const [sandbox, user] = BEHIND;
const LAUNCH = join('workbook', 'launch.cjs');

/** A PATH in which `unshare` fails like this, and says where to look for more, as mount does. */
function failing(bench: Bench, cause: string): NodeJS.ProcessEnv {
  const folder = join(bench.folder, 'programs');
  const more = '       dmesg(1) may have more information after failed mount system call.';
  writeScript(join(folder, 'unshare'), `echo "${cause}" >&2`, `echo "${more}" >&2`, 'exit 32');
  return { PATH: `${folder}${delimiter}${process.env.PATH}` };
}

/** A clone whose packages are its own: so they can be shut, and the installed ones stay as they are. */
function cloneWithPackages(bench: Bench, name: string): string {
  const clone = copyOfTheWorkbook(bench, name);
  const packages = join(clone, 'node_modules');
  unlinkSync(packages);
  cpSync(join(ROOT, 'node_modules'), packages, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith('/.cache'),
  });
  return clone;
}

describe('npm run grade -- --class FOLDER --walls', () => {
  it('sandbox insists on it, and says why there is none', LONG, async () => {
    const bench = new Bench();
    const folder = writeClass(bench, { anna: '' });
    const out = join(bench.folder, 'out');
    const env = failing(bench, 'unshare: unshare failed: Operation not permitted');

    const { code, stderr } = await bench.runWith(
      { env },
      ...['grade', '--class', folder, '--out', out, '--walls', 'sandbox'],
    );

    expect(stderr).toContain(
      'There is no sandbox on this machine: unshare: unshare failed: Operation not permitted.',
    );
    expect(stderr).not.toContain('dmesg');
    expect(code).toBe(1);
    expect(existsSync(out)).toBe(false);
  });

  it('knows three words', LONG, async () => {
    const bench = new Bench();
    const args = ['grade', '--class', writeClass(bench, { anna: '' }), '--walls'];

    const wrong = await bench.run(...args, 'sandbx');
    const both = await bench.run(...args, 'user', '--docker', 'image');

    expect(wrong.stderr).toContain(
      "--walls is sandbox, user or none, not 'sandbx'. Did you mean sandbox?",
    );
    expect(both.stderr).toContain('--walls and --docker do not go together.');
    expect([wrong.code, both.code]).toEqual([1, 1]);
  });

  it('user warns of what submissions can read, and how to shut it', LONG, async ({ skip }) => {
    skip(user?.missing !== undefined, user?.missing);
    const bench = new Bench();
    const folder = writeClass(bench, { anna: doing('') });
    const args = ['grade', 'orders', '--class', folder, '--walls', 'user', '--out'];

    const open = await bench.run(...args, join(bench.folder, 'out'));
    chmodSync(folder, 0o700);
    const shut = await bench.run(...args, join(bench.folder, 'other'));

    expect(open.stdout).toMatch(/Warning: submissions can read these/);
    expect(open.stdout).toMatch(new RegExp(`chmod go= .*'${folder}'`));
    expect(shut.stdout).not.toContain(`'${folder}'`);
  });

  it(
    'user refuses to begin where nothing can be loaded, and says what to do',
    LONG,
    async ({ skip }) => {
      skip(user?.missing !== undefined, user?.missing);
      const bench = new Bench();
      const folder = writeClass(bench, { anna: readBase('orders') });
      const out = join(bench.folder, 'out');
      const clone = copyOfTheWorkbook(bench, 'clone');
      chmodSync(clone, 0o700);
      const grade = `umask 077; exec node ${LAUNCH} grade orders --class '${folder}' --out '${out}' --walls user`;

      const refused = await bench.spawn('sh', ['-c', grade], { cwd: clone }).ended;
      const begun = existsSync(out);
      chmodSync(clone, 0o711);
      const graded = await bench.spawn('sh', ['-c', grade], { cwd: clone }).ended;

      expect(refused.stderr).toContain(
        `cannot read ${clone}.\nTo mend it, type: chmod go+x '${clone}'`,
      );
      expect(refused.code).toBe(1);
      expect(begun).toBe(false);
      expect(graded.stdout).toContain('anna: graded, 100 points');
    },
  );

  it(
    'sandbox starts from a clone whose path has blanks and other letters',
    LONG,
    async ({ skip }) => {
      skip(sandbox?.missing !== undefined, sandbox?.missing);
      const bench = new Bench();
      const cwd = cloneWithPackages(bench, "Zoë's Größe & 演習");
      const folder = writeClass(bench, { anna: readBase('orders') });
      const args = ['--class', folder, '--out', join(bench.folder, 'out'), '--walls', 'sandbox'];

      const { stdout, stderr } = await bench.spawn(
        process.execPath,
        [LAUNCH, 'grade', 'orders', ...args],
        { cwd },
      ).ended;

      expect(stderr).toBe('');
      expect(stdout).toContain('Protection: each submission is shut in');
      expect(stdout).toContain('anna: graded, 100 points');
    },
  );
});

describe('npm run doctor', () => {
  it('tells which walls there are', LONG, async () => {
    const bench = new Bench();

    const { stdout } = await bench.runWith({ env: failing(bench, 'unshare: not today') }, 'doctor');

    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /Walls around strangers' code \(grade --class, --walls\): (user, )?none; no sandbox: unshare: not today/,
    );
  });
});
