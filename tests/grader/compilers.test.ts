import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBase } from '../support/base.ts';
import { Bench } from '../support/workbook.ts';

// Submissions that are made for what compiles them. None of them can be loaded: that takes least time.

const LONG = { timeout: 240_000 };
const LIKE_ANOTHER = `${readBase('orders')}\nthrow new Error('not today');\n`;
const DEEP = 200_000;

/** Grades a class of these, and returns what it printed and what there is about each. */
async function gradeClass(bench: Bench, files: Record<string, string>) {
  // Another user, who owns nothing, has to find the way in.
  chmodSync(bench.folder, 0o755);
  const [folder, out] = [join(bench.folder, 'class'), join(bench.folder, 'out')];
  for (const [student, code] of Object.entries(files)) {
    mkdirSync(join(folder, student), { recursive: true });
    writeFileSync(join(folder, student, 'orders.ts'), code);
  }
  const options = ['--class', folder, '--out', out, '--jobs', '1', '--similar'];
  const { stdout, stderr } = await bench.run('grade', 'orders', ...options);
  const about = (student: string) => readFileSync(join(out, 'students', `${student}.md`), 'utf8');
  return { printed: stdout + stderr, about };
}

describe('a submission that breaks a compiler', () => {
  it('costs its own row only, and says why', LONG, async () => {
    const bench = new Bench();
    const deep = `export const deep = ${'['.repeat(DEEP)}${']'.repeat(DEEP)};\n`;

    const { printed, about } = await gradeClass(bench, {
      anna: LIKE_ANOTHER,
      ben: deep,
      carl: LIKE_ANOTHER,
    });

    expect(about('ben'), printed).toMatch(/the compiler broke on orders\.ts/);
    for (const student of ['anna', 'carl']) expect(about(student)).toMatch(/not today/);
    expect(printed).toMatch(/100 %\s+anna and carl/);
    expect(printed).not.toMatch(/goroutine|stack overflow/);
  });
});

describe('a type that names a private file', () => {
  it('tells nothing of what is in it', LONG, async ({ skip }) => {
    const bench = new Bench();
    const notes = join(bench.folder, 'notes.ts');
    writeFileSync(notes, "export const word = 'rhubarb' as const;\n", { mode: 0o600 });
    const leak = `export const leak: (typeof import('${notes}'))['word'] = 1;\n`;

    const { printed, about } = await gradeClass(bench, { mallory: LIKE_ANOTHER + leak });

    if (/Submissions can do what you can/.test(printed)) skip('nothing isolates submissions here');
    expect(about('mallory')).toMatch(/TypeScript/);
    expect(about('mallory')).not.toMatch(/rhubarb/);
  });
});
