import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Zippable, zipSync } from 'fflate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findSubmission } from '../../grader/classroom/find-submission.ts';
import { findSubmissions } from '../../grader/classroom/submissions.ts';
import { unpackZip } from '../../grader/classroom/unpack-zip.ts';
import { findExercises } from '../../grader/exercises.ts';
import { readBase } from '../support/base.ts';
import { Bench } from '../support/workbook.ts';

const LONG = { timeout: 180_000 };
const EXERCISES = findExercises(undefined);
const ORDERS = findExercises('orders');
const UNIX = 3;
const LINK = 0o120777;
const MB = 1024 * 1024;

const bytes = (text: string) => new TextEncoder().encode(text);

/** A folder that goes with the test. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'workbook-handed-in-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function fill(home: string, files: Record<string, string | Uint8Array>): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), content);
  }
  return home;
}

const find = (home: string, exercises = ORDERS) =>
  findSubmission(home, 'ann', exercises, join(folder(), 'unpacked'));

describe('what is handed in instead of orders.ts', () => {
  it.each([
    ['Orders (1).ts', 'instead of orders.ts: Orders (1).ts'],
    ['orders.ts.txt', 'instead of orders.ts: orders.ts.txt'],
    ['work/orders_final.ts', 'instead of orders.ts: work/orders_final.ts'],
    ['orders.js', 'instead of orders.ts: orders.js'],
    ['order.ts', 'instead of orders.ts: order.ts'],
    ['homework.rar', 'found instead: homework.rar'],
    ['essay.pdf', 'found instead: essay.pdf'],
    ['a\u001b[31mred\n.pdf', 'found instead: a·[31mred·.pdf'],
  ])('%s is told and not graded', async (name, told) => {
    const { files, instead } = await find(fill(folder(), { [name]: 'x' }));

    expect(files).toEqual({});
    expect(instead).toEqual([told]);
  });

  it('ORDERS.TS is graded; of several cases the right one', async () => {
    const upper = await find(fill(folder(), { 'ORDERS.TS': 'x' }));
    const both = await find(fill(folder(), { 'ORDERS.TS': 'x', 'orders.ts': 'y' }));

    expect(upper.files.orders).toMatch(/ORDERS\.TS$/);
    expect(both.files.orders).toMatch(/orders\.ts$/);
  });

  it('other files are nobody’s business when another exercise is there', async () => {
    const home = fill(folder(), { 'cart.ts': '', 'notes.txt': '', 'shopping.zip': 'no zip' });

    const { instead, notes } = await find(home, EXERCISES);

    expect(instead).toEqual(['found instead: shopping.zip']);
    expect(notes).toEqual([expect.stringMatching(/^shopping\.zip: it cannot be unpacked/)]);
  });
});

describe('a zip', () => {
  it('is opened for what is not beside it, at any depth in it', async () => {
    const zip = zipSync({
      'clone/exercises/01-order-processing/orders.ts': bytes('in the zip'),
      'clone/exercises/01-order-processing/helper.ts': bytes('export {};'),
      'clone/exercises/03-shopping-cart/cart.ts': bytes('the older cart'),
      'clone/solutions/01-order-processing/orders.ts': bytes('ours'),
      'clone/node_modules/x/orders.ts': bytes('not this'),
      '__MACOSX/clone/._orders.ts': bytes('junk'),
    });
    const home = fill(folder(), { 'work.zip': zip, 'cart.ts': 'the cart' });

    const { files, zipped, notes } = await find(home, EXERCISES);

    expect(readFileSync(files.orders ?? '', 'utf8')).toBe('in the zip');
    expect(readdirSync(dirname(files.orders ?? ''))).toEqual(['helper.ts', 'orders.ts']);
    expect(readFileSync(files.cart ?? '', 'utf8')).toBe('the cart');
    expect(zipped.orders).toBe(
      join(home, 'work.zip/clone/exercises/01-order-processing/orders.ts'),
    );
    expect(notes).toEqual(['orders.ts is work.zip/clone/exercises/01-order-processing/orders.ts']);
  });

  it('that holds what is only alike is told about', async () => {
    const big = new Uint8Array(2 * MB).map((_, index) => (index * 7919) >> 3);
    const zip = zipSync({ 'orders (2).ts': bytes('x'), 'src/orders.ts': big });

    const { files, instead } = await find(fill(folder(), { 'work.zip': zip }));

    expect(files).toEqual({});
    expect(instead).toEqual([
      'instead of orders.ts: work.zip/orders (2).ts, work.zip/src/orders.ts (larger than 1 MB)',
    ]);
  });

  const many = Object.fromEntries(
    Array.from({ length: 300 }, (_, index) => [`${index}.ts`, bytes('x')]),
  );
  const large: Zippable = Object.fromEntries(
    Array.from({ length: 12 }, (_, index) => [
      `${index}.ts`,
      [new Uint8Array(MB).fill(65), { level: 0 }],
    ]),
  );
  it.each([
    ['a path that leads out', zipSync({ '../orders.ts': bytes('x') }), /invalid relative path/],
    [
      '... the Windows way',
      zipSync({ 'a\\..\\..\\orders.ts': bytes('x') }),
      /invalid relative path/,
    ],
    ['an absolute path', zipSync({ '/tmp/orders.ts': bytes('x') }), /cannot be unpacked/],
    ['a drive', zipSync({ 'C:/orders.ts': bytes('x') }), /cannot be unpacked/],
    ['too many files', zipSync(many), /more than 200 files of code/],
    ['too much', zipSync(large), /more than 10 MB of code/],
    ['no zip at all', bytes('not a zip'), /cannot be unpacked/],
    [
      'a file as a folder',
      zipSync({ a: bytes('x'), 'a.ts': bytes('x'), 'a.ts/orders.ts': bytes('x') }),
      /cannot be unpacked/,
    ],
  ])('with %s is refused whole', async (_, zip, trouble) => {
    const home = fill(folder(), { 'work.zip': zip });
    const target = join(folder(), 'unpacked', 'deep');

    const unpacked = await unpackZip(join(home, 'work.zip'), target);

    expect(unpacked.files).toEqual([]);
    expect(unpacked.trouble).toMatch(trouble);
    expect(unpacked.trouble).not.toContain(home);
    expect(existsSync(join(dirname(target), 'orders.ts'))).toBe(false);
  });

  it('that lies about a size is refused, as soon as there is more than it says', async () => {
    const zip = zipSync({
      'orders.ts': new Uint8Array(200 * 1024).map((_, index) => index ^ (index >> 5)),
    });
    // The size in the directory, behind the signature `PK\1\2`.
    const view = new DataView(zip.buffer);
    const directory = view.getUint32(zip.length - 22 + 16, true);
    view.setUint32(directory + 24, 100, true);
    const home = fill(folder(), { 'work.zip': zip });

    const { files, trouble } = await unpackZip(join(home, 'work.zip'), join(folder(), 'to'));

    expect(files).toEqual([]);
    expect(trouble).toMatch(/too many bytes/);
  });

  it('does not get links, bombs, and what is locked, unpacked', async () => {
    const zip = zipSync({
      'orders.ts': [bytes('/etc/passwd'), { os: UNIX, attrs: LINK * 2 ** 16 }],
      'cart.ts': new Uint8Array(MB),
      'fine.ts': bytes('export {};'),
    });
    const home = fill(folder(), { 'work.zip': zip });

    const unpacked = await unpackZip(join(home, 'work.zip'), join(folder(), 'to'));

    expect(unpacked.files).toEqual(['fine.ts']);
    expect(unpacked.others).toEqual(['orders.ts (a link)', 'cart.ts (packed too densely)']);
  });
});

it('says when it was handed in: the newest of what counts', async () => {
  const home = fill(folder(), { 'orders.ts': 'x', 'notes.txt': '', 'helper.ts': '' });
  const at = (name: string, time: string) =>
    utimesSync(join(home, name), new Date(time), new Date(time));
  at('orders.ts', '2026-11-01T10:00:00.500Z');
  at('helper.ts', '2026-11-02T10:00:00Z');
  at('notes.txt', '2026-11-03T10:00:00Z');

  expect((await find(home)).handedIn).toBe('2026-11-02T10:00:00Z');
  expect((await find(home, findExercises('cart'))).handedIn).toBe('2026-11-03T10:00:00Z');
  expect((await find(folder())).handedIn).toBeUndefined();
});

it('a class of zips, as folders or as Canvas packs them', async () => {
  const zip = zipSync({ 'orders.ts': bytes('x') });
  const home = fill(folder(), {
    'ann.zip': zip,
    'bob.zip': zip,
    'bob/orders.ts': 'unpacked',
    'cem_12_99_work.zip': zip,
    'dee_13_98_ORDERS.TS': 'x',
    'eve_14_97_essay.pdf': 'x',
  });

  const all = await findSubmissions(home, ORDERS, join(home, 'grades'), join(folder(), 'to'));

  const told = all.map(({ student, files, instead }) => [
    student,
    ...Object.keys(files),
    ...instead,
  ]);
  expect(told).toEqual([
    ['ann', 'orders'],
    ['bob', 'orders'],
    ['cem_12', 'orders'],
    ['dee_13', 'orders'],
    ['eve_14', 'found instead: essay.pdf'],
  ]);
});

describe('npm run grade', () => {
  it(
    'grades ORDERS.TS and what is in a zip, and says in the row what else there was',
    LONG,
    async () => {
      const bench = new Bench();
      const home = fill(join(bench.folder, 'class'), {
        'ann/ORDERS.TS': readBase('orders'),
        'bob/work.zip': zipSync({ 'src/orders.ts': bytes(readBase('orders')) }),
        'cem/Orders (1).ts': readBase('orders'),
      });
      const out = join(bench.folder, 'out');

      const { stderr } = await bench.run('grade', 'orders', '--class', home, '--out', out);

      expect(stderr).toBe('');
      const [, ann, bob, cem] = readFileSync(join(out, 'grades.csv'), 'utf8').split('\n');
      expect(ann).toMatch(/^ann,graded,100,100,/);
      expect(bob).toMatch(/^bob,graded,100,100,.*,orders\.ts is work\.zip\/src\/orders\.ts/);
      expect(cem).toMatch(
        /^cem,missing,0,0,.*no orders\.ts; instead of orders\.ts: Orders \(1\)\.ts$/,
      );
      expect(bench.leftFiles().sort()).toEqual(['class', 'out']);
    },
  );

  it(
    '--submission says what it expected in a folder, and writes results all the same',
    LONG,
    async () => {
      const bench = new Bench();
      const home = fill(join(bench.folder, 'work'), { 'Orders.txt': 'x' });
      const file = join(bench.folder, 'results.json');

      const { code, stdout, stderr } = await bench.run(
        ...['grade', '1', '--submission', home, '--gradescope', file],
      );

      expect(stderr).toContain('It should hold orders.ts, at any depth.');
      expect(stderr).toContain('instead of orders.ts: Orders.txt');
      expect(stdout).not.toContain('start here');
      expect(code).toBe(1);
      const { tests } = JSON.parse(readFileSync(file, 'utf8'));
      expect(tests).toHaveLength(ORDERS[0]?.requirements.length ?? 0);
      expect(tests[0].output).toContain('nothing was handed in; instead of orders.ts: Orders.txt');
    },
  );
});
