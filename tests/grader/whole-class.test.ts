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
import { findExercise } from '../../grader/exercises.ts';
import { Bench } from '../support/workbook.ts';
import { EXERCISES, rightOnes, wrongOnes } from './submissions.ts';

// A class with everything in it. `WORKBOOK_CLASS=300 npx vitest run tests/grader/whole-class.test.ts` grades three hundred.

const SIZE = Number(process.env.WORKBOOK_CLASS ?? 11);
const LONG = { timeout: 120_000 + SIZE * 25_000 };
const WAIT = { timeout: 20_000 };
const SHARDS = SIZE < 50 ? 2 : 4;
const KILLS = 3;

const NAMES = ['Anna Müller', "O'Brien, Sam", '名前 太郎', 'łukasz-żółć_4711_file_', '=1+1', '🎈'];

interface Student {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly status: 'graded' | 'missing';
  readonly points: Readonly<Record<string, number>>;
}

type HandedIn = Omit<Student, 'name'>;

/** One file, for one exercise, and what it should get. */
function one(exercise: string, text: string, points = 0, folder = ''): HandedIn {
  const path = join(folder, findExercise(exercise).fileName);
  return { files: { [path]: text }, status: 'graded', points: { [exercise]: points } };
}

/** A correct submission in another style, wherever the student has put it. */
function right(index: number): HandedIn {
  const exercise = EXERCISES[index % EXERCISES.length] ?? 'orders';
  const styles = rightOnes(exercise);
  const folders = ['', 'my work', join('clone', 'exercises', findExercise(exercise).folder)];
  const code = styles[index % styles.length]?.code ?? '';
  return one(exercise, code, 100, folders[index % folders.length]);
}

/** A submission with one mistake, that fails one requirement. */
function wrong(index: number): HandedIn {
  const exercise = EXERCISES[index % EXERCISES.length] ?? 'orders';
  const all = wrongOnes(exercise).filter(({ fails, mayFail }) => fails.length === 1 && !mayFail);
  const chosen = all[index % all.length];
  const lost = findExercise(exercise)
    .requirements.filter(({ id }) => chosen?.fails.includes(id))
    .reduce((sum, { points }) => sum + points, 0);
  return one(exercise, chosen?.code ?? '', 100 - lost);
}

const KINDS: ((index: number) => HandedIn)[] = [
  right,
  () => one('notifications', readFileSync(findExercise('notifications').starter, 'utf8')),
  wrong,
  () => one('cart', ''),
  () => ({ files: { 'notes.txt': 'I was ill.' }, status: 'missing', points: {} }),
  () => one('orders', `// ${'x'.repeat(2 * 1024 * 1024)}`),
  () => one('orders', 'export async function publishOrder( {'),
  () => one('cart', 'process.exit(0);\n'),
  () => one('orders', 'export const publishOrder = 100;\nexport const points = 100;\n'),
  () => one('notifications', "throw new Error('never loaded');\n"),
  () => one('orders', "import '../../solutions/01-order-processing/orders.ts';\n"),
];

/** So many students. In a large class, there is also one that takes the grader long to give up on. */
function classOf(size: number): Student[] {
  const students = Array.from({ length: size }, (_, index): Student => {
    const kind = KINDS[index % KINDS.length] ?? right;
    const name = `${NAMES[index % NAMES.length]} ${index}`;
    return { name, ...kind(Math.floor(index / KINDS.length)) };
  });
  const endless = { name: 'endless', ...one('orders', 'for (;;) {}\n') };
  return size < 50 ? students : [...students.slice(0, -1), endless];
}

function download(bench: Bench, students: readonly Student[]): string {
  const folder = join(bench.folder, 'class');
  for (const { name, files } of students) {
    mkdirSync(join(folder, name), { recursive: true });
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name, path)), { recursive: true });
      writeFileSync(join(folder, name, path), text);
    }
    // Nobody is graded on what a link leads to.
    symlinkSync(findExercise('cart').solution, join(folder, name, 'linked.ts'));
  }
  return folder;
}

/** What is on record of each student. */
function records(out: string) {
  return readdirSync(join(out, 'students'))
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(join(out, 'students', file), 'utf8')));
}

/** The rows of the CSV, without what differs from one run to the next: the seconds. */
function rows(out: string): string[] {
  const csv = readFileSync(join(out, 'grades.csv'), 'utf8').trim();
  return csv.split('\n').map((row) => row.replace(/,\d+\.\d,/, ',SECONDS,'));
}

/** How many students are in the grade book: the CSV is whole at every moment. */
function graded(out: string): number {
  return existsSync(join(out, 'grades.csv')) ? rows(out).length - 1 : 0;
}

describe(`a class of ${SIZE}`, () => {
  it('gets the right rows, also when killed and resumed, and in shards', LONG, async () => {
    const bench = new Bench();
    const students = classOf(SIZE);
    const folder = download(bench, students);
    const out = (name: string) => join(bench.folder, name);
    const grade = (name: string, ...more: string[]) =>
      bench.start('grade', '--class', folder, '--seed', '3', '--out', out(name), ...more);

    // Killed at random: after so many students more, and so much later, in the middle of whatever it does.
    for (let kill = 0; kill < KILLS; kill++) {
      const begun = existsSync(join(out('resumed'), 'run.json'));
      const until = graded(out('resumed')) + Math.random() * (SIZE / (KILLS + 1));
      const running = grade('resumed', ...(begun ? ['--resume'] : []));
      const waiting = { timeout: SIZE * 10_000, interval: 1 + Math.random() * 500 };
      await expect.poll(() => graded(out('resumed')), waiting).toBeGreaterThan(until);
      running.kill('SIGKILL');
      await running.ended;
      await expect.poll(() => bench.survivors(), WAIT).toEqual([]);
    }
    const { code } = await grade('resumed', '--resume').ended;
    expect(code).toBe(0);
    await grade('straight').ended;

    const shards = Array.from({ length: SHARDS }, (_, index) => `shard ${index + 1}`);
    for (const [index, name] of shards.entries()) {
      await grade(name, '--shard', `${index + 1}/${SHARDS}`).ended;
    }
    await bench.run('grade', '--merge', ...shards.map(out), '--out', out('joined'));

    const onRecord = records(out('resumed'));
    const found = students.map(({ name }) => {
      const { status, exercises = [] } = onRecord.find(({ student }) => student === name) ?? {};
      const points: [string, number][] = exercises.map(
        (exercise: { exercise: string; points: number }) => [exercise.exercise, exercise.points],
      );
      return { name, status, points: Object.fromEntries(points) };
    });
    expect(found).toEqual(
      students.map(({ name, status, points }) => ({
        name,
        status,
        points: { orders: 0, notifications: 0, cart: 0, ...points },
      })),
    );
    expect(onRecord).toHaveLength(SIZE);
    expect(rows(out('resumed'))).toHaveLength(SIZE + 1);
    expect(rows(out('resumed'))).toEqual(rows(out('straight')));
    expect(rows(out('joined'))).toEqual(rows(out('straight')));
    await expect.poll(() => bench.survivors(), WAIT).toEqual([]);
    const kept = ['class', 'joined', 'resumed', ...shards, 'straight'];
    await expect.poll(() => bench.leftFiles().sort(), WAIT).toEqual(kept);
  });

  it('has copies noted, and pairs listed', LONG, async () => {
    const bench = new Bench();
    const solution = readFileSync(findExercise('orders').solution, 'utf8');
    const disguised = solution
      .replaceAll(/^ *\/\/.*$/gm, '')
      .replaceAll('order', 'bestellung')
      .replaceAll('signal', 'stop');
    const mine = rightOnes('orders').find(({ name }) => name === 'batch.ts')?.code ?? '';
    const folder = download(bench, [
      { name: 'ann', ...one('orders', `${disguised}\nsyntax error`) },
      { name: 'bob', ...one('orders', disguised) },
      { name: 'cem', ...one('orders', "export * from '../../solutions/01-x/orders.ts';\n") },
      { name: 'dee', ...one('orders', mine) },
      { name: 'eve', ...one('orders', mine.replaceAll('redis', 'client')) },
    ]);
    const out = join(bench.folder, 'out');

    const { stdout } = await bench.run('grade', '--class', folder, '--out', out, '--similar');

    const [, ann, bob, cem, dee] = rows(out);
    expect(ann).not.toContain('solution');
    expect(bob).toMatch(/orders\.ts is like the solution \(\d\d %\)/);
    expect(cem).toContain('orders.ts names the solutions');
    expect(dee).toMatch(/dee,graded,100/);
    expect(dee).not.toContain('solution');
    expect(stdout).toMatch(
      /worth a look\. It proves nothing:\n {2}orders +\d+ % {2}dee and eve\n$/,
    );
  });
});
