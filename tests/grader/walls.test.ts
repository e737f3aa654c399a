import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBase } from '../support/base.ts';
import { BEHIND, doing, gradeBehind, processesWith } from '../support/walls.ts';
import { Bench } from '../support/workbook.ts';

const LONG = { timeout: 180_000 };
const WAIT = { timeout: 20_000 };

/** A number of seconds that no other `sleep` on this machine has. */
const marked = () => `9${process.pid}.${Math.floor(Math.random() * 1e6)}`;

// Each attack is tried behind each wall. Where this machine cannot have one, its tests are skipped, and say why.
describe.each(BEHIND)('behind the wall "$wall", a submission that', ({ wall, missing }) => {
  const attack = (name: string, test: () => Promise<void>) =>
    it(name, LONG, async ({ skip }) => {
      skip(missing !== undefined, `there is no wall "${wall}" here: ${missing}`);
      await test();
    });

  attack('forks twice, in a session of its own, with no environment, is gone with it', async () => {
    const bench = new Bench();
    const seconds = marked();
    const hide = `setsid sh -c 'env -i sleep ${seconds} & env -i setsid sleep ${seconds} &' &`;

    const { of } = await gradeBehind(bench, wall, {
      mallory: doing(`  for (let n = 0; n < 10; n++) {
    spawnSync('sh', ['-c', ${JSON.stringify(hide)}], { env: { PATH: process.env.PATH }, stdio: 'ignore' });
  }
  tried('hidden', () => fs.readdirSync('/proc').filter((pid) => {
    try { return fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').includes('${seconds}'); } catch { return false; }
  }).length > 0);`),
      zoe: doing(`  tried('neighbours', () => fs.readdirSync('/proc').filter((pid) => {
    try { return fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').includes('${seconds}'); } catch { return false; }
  }).length);`),
    });

    expect(of('mallory').printed).toContain('hidden yes true');
    expect(of('zoe').printed).toContain('neighbours yes 0');
    await expect.poll(() => processesWith(`sleep ${seconds}`), WAIT).toEqual([]);
  });

  attack('hides in another process what memory it takes, is stopped', async () => {
    const bench = new Bench();
    const seconds = marked();
    const hoard = `globalThis.hoard = Buffer.alloc(7e8, 1); setTimeout(() => {}, 6e5); '${seconds}'`;

    const { of } = await gradeBehind(bench, wall, {
      mallory: doing(`  const hoard = ${JSON.stringify(hoard)};
  spawnSync('sh', ['-c', 'env -i setsid "$0" -e "$1" >/dev/null 2>&1 &', process.execPath, hoard], { stdio: 'ignore' });
  await sleep(60_000);`),
    });

    expect(of('mallory').happened).toContain('more than 512 MB of memory');
    await expect.poll(() => processesWith(seconds), WAIT).toEqual([]);
  });

  attack('starts hundreds of processes is stopped', async () => {
    const bench = new Bench();
    const seconds = marked();

    const { of } = await gradeBehind(bench, wall, {
      mallory:
        doing(`  spawn('sh', ['-c', 'n=0; while [ $n -lt 500 ]; do sleep ${seconds} & n=$((n+1)); done; wait'], { stdio: 'ignore' });
  await sleep(60_000);`),
    });

    // Hundreds of processes take memory, too: what is seen first depends on the moment.
    expect(of('mallory').happened).toMatch(/more than (300 processes|512 MB of memory)/);
    await expect.poll(() => processesWith(`sleep ${seconds}`), WAIT).toEqual([]);
  });

  attack('leaves files wherever everybody may write leaves none', async () => {
    const bench = new Bench();
    const name = `left-${marked()}`;
    const folders = ['/tmp', '/var/tmp', '/dev/shm', '/run/lock'];

    const { of } = await gradeBehind(bench, wall, {
      mallory: doing(`  for (const folder of [...${JSON.stringify(folders)}, process.env.TMPDIR]) {
    tried('write', () => {
      const mine = folder + '/${name}-' + process.hrtime.bigint();
      fs.mkdirSync(mine + '/deep', { recursive: true });
      fs.writeFileSync(mine + '/deep/file', 'x');
      fs.symlinkSync('/etc/passwd', mine + '.link');
      fs.chmodSync(mine, 0);
    });
  }`),
      zoe: doing(
        `  tried('found', () => fs.readdirSync(process.env.TMPDIR ?? '').filter((name) => name.startsWith('left-')).length);`,
      ),
    });

    expect(of('mallory').printed).toMatch(/^write yes/m);
    expect(of('zoe').printed).toContain('found yes 0');
    const left = folders.filter(existsSync).flatMap((folder) => readdirSync(folder));
    expect(left.filter((path) => path.startsWith(name))).toEqual([]);
  });

  attack('fills the disk is stopped', async () => {
    const bench = new Bench();

    const { of } = await gradeBehind(bench, wall, {
      mallory: doing(`  tried('fill', () => {
    for (let n = 0; n < 12; n++) fs.writeFileSync(process.env.TMPDIR + '/' + n, Buffer.alloc(3e7, 1));
  });
  await sleep(10_000);`),
    });

    const { printed, happened } = of('mallory');
    if (wall === 'sandbox') expect(printed).toContain('fill no ENOSPC');
    else expect(happened).toContain('more than 256 MB to the disk');
  });

  attack('prints a gigabyte, from a process that it has let go, is stopped', async () => {
    const bench = new Bench();
    const seconds = marked();
    const flood = `: ${seconds}; while :; do printf %1000000s tea; done`;

    const { of, code } = await gradeBehind(bench, wall, {
      mallory:
        doing(`  spawn('setsid', ['sh', '-c', ${JSON.stringify(flood)}], { stdio: ['ignore', 'inherit', 'inherit'], env: { PATH: process.env.PATH } }).unref();
  await sleep(60_000);`),
    });

    expect(of('mallory').happened).toContain('printed without end');
    expect(code).toBe(0);
    await expect.poll(() => processesWith(seconds), WAIT).toEqual([]);
  });

  attack('looks into the supervisor and sends signals to all gets nowhere', async () => {
    const bench = new Bench();

    const { of } = await gradeBehind(bench, wall, {
      mallory: doing(`  const parent = process.ppid || 1;
  tried('environment', () => fs.readFileSync('/proc/' + parent + '/environ', 'utf8').length);
  tried('memory', () => fs.openSync('/proc/' + parent + '/mem', 'r+'));
  tried('files', () => fs.readdirSync('/proc/' + parent + '/fd').length);
  tried('signal', () => process.ppid === 0 ? undefined : process.kill(parent, 'SIGKILL'));
  tried('root', () => spawnSync('su', ['-c', 'id -u'], { encoding: 'utf8' }).stdout === '0\\n' || undefined);
  tried('everybody', () => process.kill(-1, 'SIGKILL'));
  await sleep(300);`),
      zoe: readBase('orders'),
    });

    const { printed } = of('mallory');
    if (wall === 'user') {
      for (const what of ['environment', 'memory', 'files', 'signal']) {
        expect(printed).toMatch(new RegExp(`^${what} no (EACCES|EPERM|kill EPERM)`, 'm'));
      }
    }
    expect(printed).not.toContain('root yes true');
    // Whatever it has ended was its own.
    expect(of('zoe').points).toBe(100);
    await expect.poll(() => bench.survivors(), WAIT).toEqual([]);
  });

  attack('looks for the others and for what they have handed in finds nothing', async () => {
    const bench = new Bench();
    const { of } = await gradeBehind(bench, wall, {
      mallory: doing(`  const class_ = ${JSON.stringify(join(bench.folder, 'class'))};
  const temporary = ${JSON.stringify(bench.folder)};
  tried('class', () => fs.readFileSync(class_ + '/zoe/orders.ts', 'utf8').length);
  tried('copies', () => fs.readdirSync(temporary).filter((name) => name.startsWith('redis-streams-submissions-'))
    .flatMap((name) => fs.readdirSync(temporary + '/' + name)));`),
      zoe: 'export const secret = 42;\n',
    });

    // The class can be read by everybody here, and only the sandbox hides it: the run has said so.
    if (wall === 'sandbox') expect(of('mallory').printed).toMatch(/^class no ENOENT/m);
    expect(of('mallory').printed).toMatch(/^copies (yes \[\]|no (ENOENT|EACCES))/m);
  });
});

describe('the sweep by user', () => {
  it('is never meant for root', LONG, async () => {
    const bench = new Bench();

    const { code } = await bench.spawn('sh', [
      'grader/classroom/isolation/sweep-user.sh',
      '0',
      bench.folder,
    ]).ended;

    expect(code).toBe(1);
    expect(existsSync(bench.folder)).toBe(true);
  });
});
