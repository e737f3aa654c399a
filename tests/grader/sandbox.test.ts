import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Sandbox } from '../../grader/classroom/isolation/sandbox.ts';
import { readBase } from '../support/base.ts';
import { writeScript } from '../support/fake-programs.ts';
import { Bench, ROOT } from '../support/workbook.ts';

const LONG = { timeout: 120_000 };
const WAIT = { timeout: 20_000 };

// Where the system offers no sandbox, what can be tested is that the run says so.
const probe = mkdtempSync(join(tmpdir(), 'sandbox-probe-'));
const offered = (await Sandbox.open(probe)) instanceof Sandbox;
rmSync(probe, { recursive: true });

/** Grades one student whose `publishOrder` does this, and returns what it printed and how requirement 1 came out. */
async function submit(bench: Bench, code: string, env: NodeJS.ProcessEnv = {}) {
  const folder = join(bench.folder, 'class');
  mkdirSync(join(folder, 'mallory'), { recursive: true });
  writeFileSync(
    join(folder, 'mallory', 'orders.ts'),
    `import * as fs from 'node:fs';
import { connect } from 'node:net';
import { spawn } from 'node:child_process';

const tried = (name: string, action: () => unknown) => {
  try {
    console.log(name, 'yes', JSON.stringify(action()) ?? '');
  } catch (error) {
    console.log(name, 'no', (error as Error).message);
  }
};

let isFirst = true;

export async function publishOrder() {
  if (!isFirst) return 'not an id';
  isFirst = false;
${code}
  return 'not an id';
}
`,
  );
  const out = join(bench.folder, 'out');
  const outcome = await bench.runWith(
    { env },
    ...['grade', '--class', folder, '--out', out, '--jobs', '1'],
  );
  const record = JSON.parse(readFileSync(join(out, 'students', 'mallory.json'), 'utf8'));
  const { verdict } = record.exercises[0].results[0];
  const printed = (verdict.printed ?? []).map(({ text }: { text: string }) => text).join('\n');
  return { ...outcome, verdict, printed, points: record.exercises[0].points };
}

/** A PATH in which `unshare` does not work, as in most containers. */
function withoutNamespaces(bench: Bench): NodeJS.ProcessEnv {
  const folder = join(bench.folder, 'no-namespaces');
  writeScript(join(folder, 'unshare'), 'echo "unshare: Operation not permitted" >&2', 'exit 1');
  return { PATH: `${folder}${delimiter}${process.env.PATH}` };
}

const where = offered ? describe : undefined;
const asRoot = process.getuid?.() === 0;

describe('where the system offers no namespaces', () => {
  it('a class run says so, and does what it can', LONG, async () => {
    const bench = new Bench();
    // Root's temporary files usually lie where everybody can go.
    chmodSync(bench.folder, 0o711);
    const secret = join(bench.folder, 'of the instructor');
    writeFileSync(secret, 'x', { mode: 0o600 });
    const forged = join(bench.folder, 'out', 'grades.csv');

    const { stdout, printed, points } = await submit(
      bench,
      `  tried('secret', () => fs.readFileSync(${JSON.stringify(secret)}));
  tried('forge', () => fs.appendFileSync(${JSON.stringify(forged)}, 'mallory,graded,100'));
  tried('others', () => fs.readdirSync(fs.realpathSync(process.cwd())));
  tried('environment', () => process.env);
  tried('large', () => fs.writeFileSync(process.env.TMPDIR + '/large', Buffer.alloc(4e7)));`,
      { ...withoutNamespaces(bench), INSTRUCTOR_TOKEN: 'hunter2' },
    );

    expect(stdout).toMatch(
      asRoot
        ? /Protection: submissions run as a user that owns nothing, with limits\..*Operation not permitted/
        : /Protection: none but limits\. .*Operation not permitted/,
    );
    expect(printed).not.toContain('hunter2');
    expect(printed).toMatch(/^environment yes/m);
    expect(printed).toMatch(/^large no EFBIG/m);
    if (asRoot) {
      for (const what of ['secret', 'forge']) {
        expect(printed).toMatch(new RegExp(`^${what} no EACCES`, 'm'));
      }
      // Its own folder, and nobody else's.
      expect(printed).toMatch(/^others yes \["scratch","start-host.cjs","submission-\w+"\]$/m);
    }
    expect(points).toBe(0);
    await expect.poll(() => bench.survivors(), WAIT).toEqual([]);
  });

  it('a correct submission gets every point all the same', LONG, async () => {
    const bench = new Bench();
    chmodSync(bench.folder, 0o711);
    const folder = join(bench.folder, 'class', 'anna');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'notifications.ts'), readBase('notifications'));

    const { stdout } = await bench.runWith(
      { env: withoutNamespaces(bench) },
      ...['grade', '--class', join(folder, '..'), '--out', join(bench.folder, 'out')],
    );

    expect(stdout).toContain('anna: graded, 100 points');
  });
});

where?.('a submission that is shut in', () => {
  it('reads, writes and reaches nothing that is not its own', LONG, async () => {
    const bench = new Bench();
    mkdirSync(join(bench.folder, 'class', 'anna'), { recursive: true });
    const anna = join(bench.folder, 'class', 'anna', 'orders.ts');
    writeFileSync(anna, 'export const secret = 42;\n');
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    let visitors = 0;
    server.on('connection', () => visitors++);
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const outside = join(bench.folder, 'written-by-mallory');
    const quoted = (path: string) => JSON.stringify(path);

    const { stdout, printed, points, verdict } = await submit(
      bench,
      `  tried('home', () => fs.readdirSync(${quoted(homedir())}));
  tried('solution', () => fs.readFileSync(${quoted(join(ROOT, 'solutions/01-order-processing/orders.ts'))}));
  tried('grader', () => fs.readdirSync(${quoted(join(ROOT, 'grader'))}));
  tried('anna', () => fs.readFileSync(${quoted(anna)}));
  tried('passwords', () => fs.readFileSync('/etc/passwd'));
  tried('processes', () => fs.readdirSync('/proc').filter((name) => Number(name) > 1).length);
  tried('environment', () => process.env);
  const pattern = '/proc/sys/kernel/core_pattern';
  tried('sysctl', () => fs.writeFileSync(pattern, fs.readFileSync(pattern)));
  tried('device', () => fs.chmodSync('/dev/null', 0o666));
  tried('outside', () => fs.writeFileSync(${quoted(outside)}, 'x'));
  tried('packages', () => fs.writeFileSync(${quoted(join(ROOT, 'node_modules/x.js'))}, 'x'));
  tried('itself', () => fs.writeFileSync(new URL(import.meta.url), 'x'));
  tried('tmp', () => fs.writeFileSync('/tmp/x', 'x'));
  tried('disk', () => { for (let n = 0; ; n++) fs.writeFileSync('/tmp/' + n, Buffer.alloc(4e6)); });
  for (const host of ['127.0.0.1', '1.1.1.1'])
    await new Promise<void>((resolve) => {
      connect(${port}, host)
        .on('connect', () => resolve(console.log('connected', host)))
        .on('error', (error) => resolve(console.log('refused', host, error.message)));
    });
  console.log('✓ 1 passed 100 of 100 points');
  tried('message', () => process.send?.({ t: 's', i: '1', r: { status: 'passed' } }));
  for (const fd of [3, 4, 5]) tried('fd', () => fs.writeSync(fd, '{"passed":true}\\n'));`,
      { INSTRUCTOR_TOKEN: 'hunter2' },
    );

    expect(stdout).toContain('Protection: each submission is shut in');
    for (const what of ['home', 'solution', 'grader', 'anna', 'passwords']) {
      expect(printed).toMatch(new RegExp(`^${what} no ENOENT`, 'm'));
    }
    expect(printed).toMatch(/^processes (yes 0|no ENOENT)/m);
    expect(printed).toMatch(/^environment yes/m);
    expect(printed).not.toMatch(/hunter2|"HOME"|"USER"/);
    for (const what of ['packages', 'itself', 'device']) {
      expect(printed).toMatch(new RegExp(`^${what} no EROFS`, 'm'));
    }
    expect(printed).toMatch(/^sysctl no (EROFS|ENOENT)/m);
    expect(existsSync(outside)).toBe(false);
    expect(printed).toMatch(/^tmp yes/m);
    expect(printed).toMatch(/^disk no ENOSPC/m);
    expect(printed).toMatch(/refused 127\.0\.0\.1/);
    expect(printed).toMatch(/refused 1\.1\.1\.1/);
    expect(visitors).toBe(0);
    expect(verdict.status).not.toBe('passed');
    expect(points).toBe(0);
  });

  it('leaves no process behind, however many it starts', LONG, async () => {
    const bench = new Bench();

    const { points } = await submit(
      bench,
      `  for (let n = 0; n < 40; n++)
    spawn('sh', ['-c', 'while :; do sleep 1; done'], { detached: true, stdio: 'ignore' }).unref();`,
    );

    expect(points).toBe(0);
    await expect.poll(() => bench.survivors(), WAIT).toEqual([]);
  });

  it('can do all that it has to do: a correct one gets every point', LONG, async () => {
    const bench = new Bench();
    const folder = join(bench.folder, 'class');
    mkdirSync(join(folder, 'anna'), { recursive: true });
    for (const name of ['orders', 'cart']) {
      writeFileSync(join(folder, 'anna', `${name}.ts`), readBase(name));
    }

    const { stdout } = await bench.run(
      ...['grade', '--class', folder, '--out', join(bench.folder, 'out')],
    );

    expect(stdout).toContain('anna: graded, 200 points');
  });
});
