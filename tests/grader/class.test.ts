import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changed, readBase } from '../support/base.ts';
import { Bench, ROOT } from '../support/workbook.ts';

const LONG = { timeout: 180_000 };
const WAIT = { timeout: 20_000 };
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const ORDERS = read('solutions/01-order-processing/orders.ts');
const CART = read('solutions/03-shopping-cart/cart.ts');
const STARTER = read('exercises/02-notifications/notifications.ts');

/** A downloaded class: each file under a student's folder. */
function download(bench: Bench, files: Record<string, string>): string {
  const folder = join(bench.folder, 'Übung 1, downloaded');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** The rows of a CSV without its times, which are never the same twice. */
function rows(out: string): string[] {
  return readFileSync(join(out, 'grades.csv'), 'utf8')
    .trim()
    .split('\n')
    .map((row) => row.replace(/,(?:\d+-\d+-\d+T[\d:]+Z)?,\d+\.\d,/, ',SECONDS,'));
}

describe('npm run grade -- --class', () => {
  it('has a row for everybody, whatever was handed in', LONG, async () => {
    const bench = new Bench();
    const out = join(bench.folder, 'results');
    const folder = download(bench, {
      'Anna Müller_4711_assignsubmission_file/orders.ts': ORDERS,
      'Anna Müller_4711_assignsubmission_file/cart.ts': CART,
      // The limit that the task asks for, by whatever name the solution calls it.
      'ben/workbook-main/exercises/01-order-processing/orders.ts': ORDERS.replaceAll(
        /\b10_?000\b/g,
        '10',
      ),
      'ben/workbook-main/solutions/01-order-processing/orders.ts': ORDERS,
      'ben/workbook-main/node_modules/x/orders.ts': 'not this one',
      '世界/notifications.ts': STARTER,
      'cora/orders.ts': `// ${'x'.repeat(2 * 1024 * 1024)}`,
      'dan, the loop/orders.ts': 'for (;;) {}\n',
      'eve/orders.ts': "process.exit(0);\nexport const points = '100';\n",
      'finn/cart.ts': '',
      'gus/readme.txt': 'I was ill.',
      '=SUM(A1)/cart.ts': 'this is no TypeScript',
      '__MACOSX/._orders.ts': 'junk',
      '.DS_Store/x': 'junk',
    });

    const { code, stdout, stderr } = await bench.run(
      ...['grade', '--class', folder, '--out', out, '--jobs', '3', '--seed', '7'],
    );

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(rows(out)).toEqual([
      'student,status,orders,notifications,cart,total,handed in,seconds,note',
      expect.stringMatching(/^'=SUM\(A1\),graded,0,0,0,0,SECONDS,"no orders.ts, .*cart\.ts:1:6: /),
      'Anna Müller_4711_assignsubmission_file,graded,100,0,100,200,SECONDS,' +
        'orders.ts is like the solution (100 %); cart.ts is like the solution (100 %); no notifications.ts',
      expect.stringMatching(
        /^ben,graded,94,0,0,94,SECONDS,"orders.ts is like the solution \(9\d %\); no notifications.ts, cart.ts"$/,
      ),
      expect.stringMatching(
        /^cora,graded,0,0,0,0,SECONDS,"orders.ts: it is larger than 1 MB; no notifications.ts, cart.ts"$/,
      ),
      expect.stringMatching(/^"dan, the loop",graded,0,0,0,0,SECONDS,".*not loaded within/),
      expect.stringMatching(/^eve,graded,0,0,0,0,SECONDS,".*process\.exit\(0\)/),
      'finn,graded,0,0,0,0,SECONDS,"no orders.ts, notifications.ts"',
      'gus,missing,0,0,0,0,SECONDS,"no orders.ts, notifications.ts, cart.ts; found instead: readme.txt"',
      '世界,graded,0,0,0,0,SECONDS,"no orders.ts, cart.ts"',
    ]);
    expect(stdout).toContain('9 students: 8 graded, 1 handed in nothing, 0 stopped');
    expect(stdout).toContain('Median: 0 of 300 points');
    expect(stdout).toMatch(/2 {2}The stream keeps the newest 10,000 orders +#--------- +11 %/);
    expect(stdout).toContain('(seed 7)');

    const report = readFileSync(join(out, 'students', 'ben.md'), 'utf8');
    expect(report).toContain('# ben: 94 of 300 points');
    expect(report).toContain('- expected: 10,000 entries');
    expect(report).toContain('Nothing was handed in for it.');
    const record = JSON.parse(readFileSync(join(out, 'students', 'ben.json'), 'utf8'));
    expect(record.exercises[0]).toMatchObject({ exercise: 'orders', points: 94, of: 100 });
    await expect.poll(() => bench.survivors(), WAIT).toEqual([]);
    await expect
      .poll(() => bench.leftFiles().sort(), WAIT)
      .toEqual(['results', 'Übung 1, downloaded']);
  });

  it('takes the files of all students side by side, as Canvas packs them', LONG, async () => {
    const bench = new Bench();
    const out = join(bench.folder, 'out');
    const folder = download(bench, {
      'muelleranna_4711_98_orders.ts': 'no TypeScript',
      'muelleranna_LATE_4711_99_orders-2.ts': "import './obrien_4712_100_cart.ts';\n",
      'obrien_4712_100_cart.ts': 'export const secret = 1;\n',
      'readme.txt': 'not by a student',
    });

    const { stdout } = await bench.run('grade', '--class', folder, '--out', out);

    expect(stdout).toContain('2 students: 2 graded');
    const [, anna, obrien] = rows(out);
    // The newer one, and without what belongs to somebody else.
    expect(anna).toMatch(/^muelleranna_4711,graded,0,0,0,0,SECONDS,.*Could not resolve/);
    expect(obrien).toMatch(/^obrien_4712,graded,0,0,0,0,SECONDS,"no orders/);
  });

  it('takes names as they come, and results into the same folder', LONG, async () => {
    const bench = new Bench();
    const long = 'x'.repeat(250);
    const folder = download(bench, {
      [`${long}/cart.ts`]: '',
      'new\nline/CART.TS': '',
      '\u001b[31mred/cart.ts': "throw new Error('\u001b[31mred');\n",
      '..hidden/cart.ts': '',
      'folder/orders.ts/x': 'a folder, not a file',
    });
    symlinkSync(join(ROOT, 'exercises'), join(folder, 'linked'));
    const out = join(folder, 'grades');
    await bench.run('grade', '--class', folder, '--out', out, '--shard', '1/1');

    const { code, stdout } = await bench.run('grade', '--class', folder, '--out', out, '--resume');

    expect(code).toBe(0);
    expect(stdout).toContain('5 students: 4 graded, 1 handed in nothing');
    const names = rows(out).map((row) => row.split(',')[0]);
    expect(names).toEqual(['student', 'folder', 'linked', 'new line', 'red', long]);
    expect(readFileSync(join(out, 'grades.csv'), 'utf8')).not.toContain('\u001b');
  });

  it('grades again what has changed since it was interrupted, and nothing else', LONG, async () => {
    const bench = new Bench();
    const out = join(bench.folder, 'out');
    const folder = download(bench, { 'ann/cart.ts': '', 'bob/cart.ts': '' });
    const args = ['grade', '--class', folder, '--out', out];
    await bench.run(...args);
    writeFileSync(join(folder, 'ann', 'cart.ts'), 'export const nothing = 1;\n');

    const again = await bench.run(...args);
    const { code, stdout } = await bench.run(...args, '--resume');

    expect(again.stderr).toContain('--resume');
    expect(again.code).toBe(1);
    expect(stdout).toContain('ann: graded');
    expect(stdout).not.toContain('bob: graded');
    expect(code).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['grades.csv', 'log.txt', 'run.json', 'students']);
  });

  it(
    'grades the exercises that were named, and goes on and merges with the same',
    LONG,
    async () => {
      const bench = new Bench();
      const out = join(bench.folder, 'out');
      const folder = download(bench, { 'ann/cart.ts': '', 'ann/notifications.ts': STARTER });
      const elsewhere = join(bench.folder, 'elsewhere');
      await bench.run('grade', '1', '--class', folder, '--out', elsewhere, '--seed', '5');
      await bench.run('grade', '1,cart', '--class', folder, '--out', out, '--seed', '5');
      const named = rows(out);
      writeFileSync(join(folder, 'ann', 'orders.ts'), '');

      const { stdout } = await bench.run('grade', '--class', folder, '--out', out, '--resume');
      const other = await bench.run('grade', '2', '--class', folder, '--out', out, '--resume');
      const merged = await bench.run('grade', '--merge', out, elsewhere, '--out', join(out, 'all'));

      expect(named).toEqual([
        'student,status,orders,cart,total,handed in,seconds,note',
        'ann,graded,0,0,0,SECONDS,no orders.ts',
      ]);
      expect(rows(out)[1]).toBe('ann,graded,0,0,0,SECONDS,');
      expect(stdout).toContain('Exercises: orders, cart');
      expect(stdout).toContain('Median: 0 of 200 points');
      expect(stdout).not.toContain('A notification system');
      expect(other.stderr).toContain('a run about orders, cart, which --resume goes on with');
      expect(other.code).toBe(1);
      expect(merged.stderr).toContain('different exercises: orders, cart; orders.');
      expect(merged.code).toBe(1);
    },
  );

  it('says how to go on after Ctrl+C', LONG, async () => {
    const bench = new Bench();
    const out = join(bench.folder, 'out');
    const names = ['ann', 'bob', 'cem', 'dee'];
    const folder = download(
      bench,
      Object.fromEntries(names.map((name) => [`${name}/notifications.ts`, STARTER])),
    );
    const running = bench.start('grade', '--class', folder, '--out', out, '--jobs', '1');
    await running.says(/1 of 4 {2}ann/);

    running.ctrlC();
    const { code, stdout } = await running.ended;

    expect(stdout).toMatch(
      /Interrupted: \d have been graded\. The same again with --resume goes on\./,
    );
    expect(code).toBe(130);
    expect(rows(out).length).toBeLessThan(5);
    await expect.poll(() => bench.survivors(), WAIT).toEqual([]);
  });

  it('stops a student who takes too long, and keeps what was earned by then', LONG, async () => {
    const bench = new Bench();
    const out = join(bench.folder, 'out');
    const line = '  const { productId, userId, quantity, timestamp } = order;\n';
    const slow = changed(readBase('orders'), [
      line,
      `${line}  if (order) await new Promise(() => {});\n`,
    ]);
    const folder = download(bench, { 'sam/orders.ts': slow });

    const { code } = await bench.run(
      ...['grade', '--class', folder, '--out', out, '--limit', '15'],
    );

    const [, row = ''] = rows(out);
    expect(row).toMatch(/^sam,stopped,\d+,0,0,\d+,SECONDS,".*it took longer than 15 seconds"/);
    expect(Number(row.split(',')[2])).toBeGreaterThan(20);
    expect(code).toBe(0);
    await expect.poll(() => bench.survivors(), WAIT).toEqual([]);
  });

  it.each([
    [['--class', '/nowhere'], 'There is no folder /nowhere.'],
    [
      ['--class', '.', '--shard', '5/4'],
      "--shard is a part of a number of parts, such as 2/4, not '5/4'.",
    ],
    [['--class', '.', '--jobs', 'all'], "--jobs is a whole number, 1 or more, not 'all'."],
    [['--merge', '/nowhere'], '/nowhere holds no results of a class run'],
    [['--merge'], 'Which folders? Such as: npm run grade -- --merge A B --out TOGETHER'],
    [
      ['orders', '3', '--class', '.'],
      'grades holds no results of a class run. One requirement alone',
    ],
    [['--class', '.', '--watch'], '--watch and --class do not go together.'],
    [['--class', '.', '--due', 'soon'], '--due is a day and a time, such as 2026-11-30T23:59'],
    [['--class', '.', '--due', '2026-11-30'], 'is a day and a time'],
    [['--class', '.', '--keep', 'all'], "--keep is best or latest, not 'all'."],
    [['--class', '.', '--html', '/nowhere/x.html'], 'There is no such folder: cannot write'],
    [['--class', '.', '--no-points'], 'it belongs to --html FILE'],
    [['--class', '.', '--student', 'grader!'], "There is no student 'grader!' in this class."],
    [['--class', '.', '--student', 'e'], "'e' could be "],
    [['--jobs', '2'], '--jobs belongs to --class.'],
    [['--out', 'x'], '--out belongs to --merge or --class.'],
  ])('%j gets a message and exit code 1', async (args, message) => {
    const bench = new Bench();

    const { code, stderr } = await bench.run('grade', ...args);

    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(code).toBe(1);
    expect(existsSync(join(ROOT, 'grades'))).toBe(false);
  });
});
