import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { create } from 'xmlbuilder2';
import { classPage } from '../../grader/classroom/page/class-page.ts';
import type { StudentRecord } from '../../grader/classroom/student-record.ts';
import { findExercises } from '../../grader/exercises.ts';
import type { Verdict } from '../../grader/requirement.ts';
import { total } from '../../grader/result.ts';
import { Bench } from '../support/workbook.ts';

const LONG = { timeout: 120_000 };
const EXERCISES = findExercises('orders');
const EVIL = `</bdi><script>alert("1")</script><img src=x onerror='a'>\u001b[31m&amp;\u0000`;
const RUN = { seed: 7, exercises: EXERCISES, due: '2026-11-02T10:00:00Z' };

/** A student who has failed these requirements of `orders`, by number. */
function student(name: string, failed: Record<number, Verdict>, more = {}): StudentRecord {
  const exercises = EXERCISES.map((exercise) => {
    const results = exercise.requirements.map((requirement) => ({
      requirement,
      verdict: failed[requirement.number] ?? { status: 'passed' as const },
      milliseconds: 1,
    }));
    const file = '/class/orders.ts';
    return { exercise: exercise.name, file, results, typeProblems: [], ...total(results) };
  });
  return {
    ...{ student: name, status: 'graded', seed: 7, seconds: 1, digest: '', notes: [], exercises },
    ...{ handedIn: '2026-11-02T12:05:00Z', ...more },
  };
}

const failed = (happened: string): Verdict => ({ status: 'failed', happened });
const page = (records: StudentRecord[], hasPoints = true) =>
  classPage(records, RUN, { hasPoints, reportOf: (name) => `./${encodeURIComponent(name)}.md` });

describe('the page of a class', () => {
  it('is one file that loads and runs nothing, and is well-formed', () => {
    const text = page([student('ann', { 3: failed('x') })]);

    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(text) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(text).toContain(`default-src &#39;none&#39;; style-src &#39;sha256-${hash}&#39;;`);
    expect(text).not.toMatch(/<script|<link|<img|\sstyle=|\son\w+=|https?:|@import|url\(/);
    // HTML's empty elements, closed: the rest has to nest as XML does.
    const xml = text.replace('<!doctype html>', '').replaceAll(/<(meta|br)([^>]*)>/g, '<$1$2/>');
    expect(() => create(xml)).not.toThrow();
  });

  it('has text for text, whatever a student has made of a name or a value', () => {
    const evil = student(EVIL, { 1: failed(EVIL) }, { notes: [EVIL] });

    const text = page([evil]);

    expect(text).not.toContain('<script');
    expect(text).not.toContain('<img');
    expect(text).not.toContain('\u001b');
    expect(text).not.toContain('\u0000');
    expect(text.split('&lt;script&gt;alert(&quot;1&quot;)')).toHaveLength(5);
    expect(text).toContain('&amp;amp;');
  });

  it('says what fewest have got, with the most frequent failure, whatever its numbers', () => {
    const text = page([
      student('ann', { 3: failed('1790000000000-0 was handled twice'), 9: failed('late') }),
      student('bob', { 3: failed('1790000000055-0 was handled twice') }),
      student('cem', { 3: { status: 'crashed', happened: 'exit code 1\nstack' } }),
    ]);

    const rows = [...text.matchAll(/<th scope="row">orders (\d+)\.[\s\S]*?<\/tr>/g)];
    expect(rows.map(([, number]) => number)).toEqual(['3', '9']);
    expect(rows[0]?.[0]).toContain('0 of 3<meter min="0" max="3" value="0">');
    expect(rows[0]?.[0]).toContain('1790000000000-0 was handled twice');
    expect(rows[0]?.[0]).toContain('(2 of 3)');
  });

  it('has tables that can be read without seeing them', () => {
    const text = page([student('ann', { 3: failed('x') })]);

    const tables = text.match(/<table/g) ?? [];
    expect(text.match(/<caption>/g)).toHaveLength(tables.length);
    expect(text.match(/<div class="scroll" role="region" tabindex="0" aria-label="/g)).toHaveLength(
      tables.length,
    );
    expect(text.match(/<th(?! scope="(row|col)")[ >]/)).toBeNull();
    expect(text).toContain('<span aria-hidden="true">✗</span><span class="said">failed</span>');
    expect(text).toContain('<html lang="en">');
  });

  it('shows points or keeps them to itself, and how late somebody was', () => {
    const ann = student('ann', { 3: failed('x') });

    const [shown, hidden] = [page([ann]), page([ann], false)];

    expect(shown).toMatch(/Median<\/dt><dd>\d+ of 100 points/);
    expect(shown).toContain('<td class="number">');
    expect(hidden).not.toMatch(/points|Points|Median|class="number"/);
    for (const text of [shown, hidden]) expect(text).toContain('2 h 5 min late');
  });
});

describe('npm run grade -- --class FOLDER --html FILE', () => {
  it('links to the reports, also for odd names, and can be written again', LONG, async () => {
    const bench = new Bench();
    const name = 'Übung #1? 100% <b>';
    const folder = join(bench.folder, 'class');
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, 'orders.ts'), '');
    const out = join(bench.folder, 'out');
    const file = join(bench.folder, 'class.html');
    const grade = ['grade', '1', '--class', folder, '--out', out];

    const { stdout } = await bench.run(...grade, '--html', join(out, 'class.html'));
    const again = await bench.run(...grade, '--resume', '--html', file, '--no-points');

    expect(stdout).toContain(`The class on a page: ${join(out, 'class.html')}`);
    expect(again.code).toBe(0);
    const hrefs = [join(out, 'class.html'), file].map((path) => {
      const text = readFileSync(path, 'utf8');
      const [, href = ''] = /<th scope="row"><a href="([^"]*)">/.exec(text) ?? [];
      return new URL(href, `file://${path}`).pathname;
    });
    for (const href of hrefs) {
      expect(readFileSync(decodeURIComponent(href), 'utf8')).toContain('of 100 points');
    }
  });
});
