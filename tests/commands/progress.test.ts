import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Bench } from '../support/workbook.ts';

const LONG = { timeout: 60_000 };

describe('npm run progress', () => {
  it('begins with nothing, and says what is first', async () => {
    const bench = new Bench();

    const { code, stdout, stderr } = await bench.run('progress');

    expect(stdout).toMatch(/Chapters played +\[-{16}\] +0 of 6/);
    expect(stdout).toMatch(/All exercises +\[-{16}\] +0 of 300 points {2}0\/45/);
    expect(stdout).toContain('npm run chapter 1');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(existsSync(join(bench.state, 'progress.json'))).toBe(false);
  });

  it('knows what was played, graded and hinted at', LONG, async () => {
    const bench = new Bench();
    await bench.run('chapter', '1');
    await bench.run('hint', 'cart');
    await bench.run('grade', 'orders', '1');

    const { code, stdout } = await bench.run('progress', '--json');

    const { chapters, exercises, next } = JSON.parse(stdout);
    expect(chapters).toEqual([1]);
    expect(exercises.map(({ name }: { name: string }) => name)).toEqual([
      'orders',
      'notifications',
      'cart',
    ]);
    expect(exercises[0]).toMatchObject({ passed: [], requirements: 15, points: 0, of: 100 });
    expect(exercises[2].hints).toBe(1);
    expect(next).toBe('npm run chapter 2');
    expect(code).toBe(0);
  });

  it.each([
    ['is damaged', '{"version": 1, "chapters": [1'],
    ['is of another version', '{"version": 7, "chapters": [], "exercises": {}}'],
    ['is something else', '{"version": 1, "chapters": "all", "exercises": []}'],
    ['is empty', ''],
  ])('sets a file aside that %s', async (_, text) => {
    const bench = new Bench();
    mkdirSync(bench.state);
    writeFileSync(join(bench.state, 'progress.json'), text);

    const first = await bench.run('hint', 'orders');
    const second = await bench.run('hint', 'orders');

    expect(first.code).toBe(0);
    expect(first.stdout).toContain('Hint 1');
    expect(first.stderr).toMatch(/It is kept as .*unreadable\.json/);
    expect(second.stderr).toBe('');
    expect(second.stdout).toContain('Hint 2');
    const [aside = ''] = readdirSync(bench.state).filter((name) => name.includes('unreadable'));
    expect(readFileSync(join(bench.state, aside), 'utf8')).toBe(text);
  });

  it('loses nothing when several commands note something at once', LONG, async () => {
    const bench = new Bench();

    const outcomes = await Promise.all(
      [1, 2, 3, 4].map((number) => bench.run('hint', 'orders', String(number))),
    );

    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    const { stdout } = await bench.run('progress', '--json');
    expect(JSON.parse(stdout).exercises[0].hints).toBe(4);
    expect(readdirSync(bench.state)).toEqual(['progress.json']);
  });

  it('is no reason to fail when it cannot be written', async () => {
    const bench = new Bench();
    writeFileSync(bench.state, 'a file where the folder should be');

    const { code, stdout, stderr } = await bench.run('hint', 'orders');

    expect(stdout).toContain('Hint 1');
    expect(stderr).toContain('Your progress was not noted.');
    expect(code).toBe(0);
  });
});

describe('what comes next', () => {
  it.each([
    ['at the beginning', [], 'npm run chapter 1'],
    ['after five chapters', [1, 2, 3, 4, 5], 'npm run learn orders'],
    ['when a chapter was left out', [1, 3, 4, 5], 'npm run chapter 2'],
  ])('is the same wherever it is told, %s', async (_, chapters, next) => {
    const bench = new Bench();
    mkdirSync(bench.state);
    const progress = JSON.stringify({ version: 1, chapters, exercises: {} });
    writeFileSync(join(bench.state, 'progress.json'), progress);

    const start = await bench.run('start');
    const doctor = await bench.run('doctor');
    const told = await bench.run('progress');

    expect(start.stdout).toMatch(new RegExp(`^Next: .*\\s+${next}$`, 'm'));
    expect(doctor.stdout).toMatch(new RegExp(`^All is well. Next: .*\\n +${next}\\n$`, 'm'));
    expect(told.stdout).toMatch(new RegExp(`^Next: .*\\n +${next}$`, 'm'));
  });

  it('is told at the end of a scene too', LONG, async () => {
    const bench = new Bench();
    mkdirSync(bench.state);
    const progress = JSON.stringify({ version: 1, chapters: [2, 3, 4, 5], exercises: {} });
    writeFileSync(join(bench.state, 'progress.json'), progress);

    const { stdout } = await bench.run('chapter', '1');

    expect(stdout).toMatch(/^Next: +npm run learn orders {3}\(Begin exercise 1, [^\n]*\)\n$/m);
  });
});
