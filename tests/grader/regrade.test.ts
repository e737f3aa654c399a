import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FORGETFUL, readBase } from '../support/base.ts';
import { Bench, ROOT } from '../support/workbook.ts';

// What happens to results that are there already.

const LONG = { timeout: 180_000 };
const BREAK_AT = join(ROOT, 'tests', 'support', 'break-at.cjs');

/** A class, and results about `orders`. */
function classOf(files: Record<string, string>) {
  const bench = new Bench();
  const folder = join(bench.folder, 'class');
  const out = join(bench.folder, 'out');
  const hand = (path: string, text: string, time = '2026-11-01T10:00:00Z') => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
    utimesSync(join(folder, path), new Date(time), new Date(time));
  };
  for (const [path, text] of Object.entries(files)) hand(path, text);
  const options = ['--class', folder, '--out', out];
  return {
    bench,
    out,
    hand,
    options,
    grade: (...more: string[]) => bench.run('grade', '1', ...options, '--seed', '4', ...more),
    resume: (...more: string[]) => bench.run('grade', ...options, '--resume', ...more),
    regrade: (number: string, ...more: string[]) =>
      bench.run('grade', 'orders', number, ...options, ...more),
    rows: () => readFileSync(join(out, 'grades.csv'), 'utf8').trim().split('\n'),
    record: (student: string) => join(out, 'students', `${student}.json`),
  };
}

/** As if requirement 3 had come out otherwise, by bad luck. */
function change(file: string, status: 'passed' | 'failed'): void {
  const record = JSON.parse(readFileSync(file, 'utf8'));
  const [orders] = record.exercises;
  const [, , third] = orders.results;
  third.verdict = { status, happened: 'by bad luck' };
  orders.points += status === 'passed' ? third.requirement.points : -third.requirement.points;
  writeFileSync(file, JSON.stringify(record));
}

describe('results that are there already', () => {
  it('get one student graded again, by an unmistakable part of the name', LONG, async () => {
    const { grade, options, bench, rows, record } = classOf({
      'Anna Müller/orders.ts': FORGETFUL,
      'bob/orders.ts': '',
    });
    await grade();
    const before = rows();
    change(record('Anna Müller'), 'failed');

    const { stdout, code } = await bench.run('grade', ...options, '--student', 'müll');
    const nobody = await bench.run('grade', ...options, '--student', 'bobb');
    const other = await bench.run('grade', ...options, '--student', 'bob', '--seed', '5');

    expect(code).toBe(0);
    expect(stdout).toContain('Anna Müller: graded');
    expect(stdout).not.toContain('bob: graded');
    expect(rows().map(withoutSeconds)).toEqual(before.map(withoutSeconds));
    expect(nobody.stderr).toContain("There is no student 'bobb' in this class. Did you mean bob?");
    expect(other.stderr).toContain('was graded with the seed 4, and so is the rest of it');
  });

  it('get one requirement graded again, and keep the best of it if asked', LONG, async () => {
    const { grade, regrade, rows, record, hand } = classOf({
      'ann/orders.ts': readBase('orders'),
      'bob/orders.ts': '',
      'cem/notes.txt': '',
    });
    await grade();
    change(record('ann'), 'failed');
    change(record('bob'), 'passed');
    const points = () => rows().map((row) => row.split(',')[2]);

    const best = await regrade('3', '--keep', 'best');
    const afterBest = points();
    await regrade('3', '--student', 'bob');
    hand('ann/orders.ts', '');
    await regrade('3');

    expect(best.stdout).toContain('Only requirement 3 of orders, again.');
    expect(best.stdout).not.toContain('cem: ');
    expect(afterBest).toEqual(['orders', '100', '6', '0']);
    // Everything, where the file is another one.
    expect(points()).toEqual(['orders', '0', '0', '0']);
    expect(readFileSync(record('bob'), 'utf8')).not.toContain('bad luck');
  });

  it('keep the better of two hand-ins if asked', LONG, async () => {
    const { grade, resume, rows, hand } = classOf({ 'ann/orders.ts': FORGETFUL });
    await grade();
    const earlier = rows()[1];
    hand('ann/orders.ts', '', '2026-11-05T10:00:00Z');

    const best = await resume('--keep', 'best');
    const kept = rows()[1];
    const again = await resume('--keep', 'best');

    expect(earlier).toMatch(/^ann,graded,94,94,2026-11-01T10:00:00Z,/);
    expect(best.stdout).toContain('ann: graded, 94 points');
    expect(kept).toMatch(/^ann,graded,94,94,2026-11-01T10:00:00Z,.*earlier result is kept/);
    expect(again.stdout).not.toContain('ann: graded');
  });

  it('say who was late, also by a due time that is set afterwards', LONG, async () => {
    const { grade, resume, rows, hand } = classOf({ 'cem/notes.txt': '' });
    hand('ann/orders.ts', '', '2026-11-01T10:00:30Z');
    hand('bob/orders.ts', '', '2026-11-02T12:30:00Z');
    const late = () => rows().map((row) => row.split(',').slice(4, 6));

    await grade('--due', '2026-11-01T11:00+01:00');
    const first = late();
    await resume('--due', '2026-11-02T12:00Z');

    expect(first).toEqual([
      ['handed in', 'minutes late'],
      ['2026-11-01T10:00:30Z', '1'],
      ['2026-11-02T12:30:00Z', '1590'],
      ['2026-11-01T10:00:00Z', '0'],
    ]);
    expect(late().map(([, minutes]) => minutes)).toEqual(['minutes late', '0', '30', '0']);
  });

  it('survive what a power cut leaves: half a record, a draft, half a line', LONG, async () => {
    const { grade, resume, rows, record, out } = classOf({
      'ann/orders.ts': '',
      'bob/orders.ts': '',
      'cem/orders.ts': '',
    });
    await grade();
    const before = rows();
    truncateSync(record('ann'), 100);
    writeFileSync(record('bob'), '\0'.repeat(100));
    writeFileSync(`${record('cem')}.4194304.new`, '{"student":');
    truncateSync(join(out, 'log.txt'), readFileSync(join(out, 'log.txt')).length - 10);
    truncateSync(join(out, 'grades.csv'), 40);

    const { stdout, stderr, code } = await resume();

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/ann: graded[\s\S]*bob: graded|bob: graded[\s\S]*ann: graded/);
    expect(stdout).not.toContain('cem: graded');
    expect(rows().map(withoutSeconds)).toEqual(before.map(withoutSeconds));
    expect(readdirSync(join(out, 'students'))).toHaveLength(6);
    const log = readFileSync(join(out, 'log.txt'), 'utf8');
    const lines = log.trimEnd().split('\n');
    expect(lines.filter((line) => !/^\d{4}-\d\d-\d\dT\S+Z {2}\S/.test(line))).toEqual([]);
    expect(log.match(/damaged, and graded again: /g)).toHaveLength(2);
  });

  it.each([1, 4, 19, 21, 24])(
    'are whole when it is killed before its change %i of a file',
    LONG,
    async (at) => {
      const { bench, options, out, record } = classOf({ 'ann/orders.ts': '' });
      const launch = ['--require', BREAK_AT, join('workbook', 'launch.cjs'), 'grade', '1'];
      const env = { BREAK_AT: String(at), BREAK_BY: 'SIGKILL' };

      const args = [...launch, ...options, '--seed', '4'];
      const killed = await bench.spawn(process.execPath, args, { env }).ended;
      const begun = existsSync(join(out, 'run.json'));
      const again = begun ? ['grade', ...options, '--resume'] : ['grade', '1', ...options];
      const { code, stderr } = await bench.run(...again);

      expect(killed.signal).toBe('SIGKILL');
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect(JSON.parse(readFileSync(record('ann'), 'utf8')).student).toBe('ann');
      expect(readdirSync(out).sort()).toEqual(['grades.csv', 'log.txt', 'run.json', 'students']);
      expect(readdirSync(join(out, 'students')).sort()).toEqual(['ann.json', 'ann.md']);
    },
  );
});

const withoutSeconds = (row: string) => row.replace(/,\d+\.\d,/, ',');
