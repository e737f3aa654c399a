import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findExercise, findRequirement, readExercises } from '../grader/exercises.ts';
import { findChapter, findProgram, readChapters } from '../workbook/book/chapters.ts';
import { CHAPTER_FOLDERS, LESSON_PAGES, pagesOf, readLesson, readPage } from './support/lessons.ts';
import { ROOT } from './support/workbook.ts';

// The course checks itself: what a text promises is there, and every chapter has all its parts.

const EXERCISES = readExercises();

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/instructors.md',
  'docs/errata.md',
  ...LESSON_PAGES,
  ...EXERCISES.flatMap(({ folder }) => [
    `exercises/${folder}/README.md`,
    `solutions/${folder}/README.md`,
  ]),
];
const SCRIPTS: Record<string, string> = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
).scripts;

describe.each(PAGES)('the page %s', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');

  it('names only npm scripts that exist', () => {
    const named = [...text.matchAll(/npm run ([a-z][a-z:-]*)/g)].map(([, script]) => script ?? '');

    expect(named.filter((script) => !(script in SCRIPTS))).toEqual([]);
  });

  it('names only chapters and programs that exist', () => {
    const named = [...text.matchAll(/npm run chapter (\d+)(?: ([a-z][a-z-]+))?/g)];

    for (const [, number = '', program] of named) {
      const chapter = findChapter(number);
      if (program) expect(() => findProgram(chapter, program)).not.toThrow();
    }
  });

  it('names only exercises and requirements that exist', () => {
    const named = [...text.matchAll(/npm run (?:grade|hint) ([a-z]+)(?: (\d+))?/g)];

    for (const [, name = '', number] of named) {
      const exercise = findExercise(name);
      if (number) expect(() => findRequirement(exercise, number)).not.toThrow();
    }
  });

  it('links only to files that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link]) => link ?? '');

    const broken = links.filter((link) => !existsSync(join(ROOT, dirname(page), link)));
    expect(broken).toEqual([]);
  });

  it('links only to headings that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)];

    const broken = links.filter(([, link = '', anchor = '']) => {
      const target = link === '' ? text : readFileSync(join(ROOT, dirname(page), link), 'utf8');
      const headings = [...target.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
      return !headings.map(anchorOf).includes(anchor);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });
});

/** A diagram, and what stands before it: a comment that GitHub hides, and a terminal shows in the diagram's place. */
const DIAGRAM = /^(?<twin><!-- text\n(?:(?!-->)[\s\S])*\n-->\n\n)?```mermaid\n/gm;

describe.each(PAGES)('each diagram of the page %s', (page) => {
  const diagrams = [...readPage(page).matchAll(DIAGRAM)].map(({ groups }) => groups?.twin);

  it('has a twin in plain text that fits into a terminal', () => {
    for (const twin of diagrams) {
      expect(twin, 'a comment `<!-- text` before the diagram').toBeDefined();
      const widths = (twin ?? '').split('\n').map((line) => [...line].length);
      expect(Math.max(...widths)).toBeLessThanOrEqual(78);
    }
  });
});

/** As GitHub makes it: small letters, no punctuation, and a hyphen for each space. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

describe.each(CHAPTER_FOLDERS)('the chapter %s', (folder) => {
  const lesson = readLesson(folder);
  const chapter = findChapter(folder.slice(0, 2));

  it.each(pagesOf(folder))(
    'has its number in the heading of %s, and the parts of a lesson',
    (page) => {
      const text = readPage(page);

      expect(text).toMatch(new RegExp(`^# ${chapter.number}\\. \\S`));
      expect(text).toContain(`npm run chapter ${chapter.number}\n`);
      expect(text).toContain('## What goes wrong in production');
      expect(text).toMatch(/```mermaid|\| --- \|/);
      expect(text.match(/<details>\n<summary>\d\. /g)).toHaveLength(3);
    },
  );

  it('leads from each page of its lesson to the next', () => {
    const [first = '', ...others] = pagesOf(folder);

    for (const page of others) expect(readPage(first)).toContain(`](${basename(page)})`);
  });

  it('has a scene, and programs that the lesson names', () => {
    expect(existsSync(join(chapter.path, 'scene.ts'))).toBe(true);
    expect(chapter.programs.length).toBeGreaterThan(0);
    for (const { name } of chapter.programs) expect(lesson).toContain(`](${name}.ts)`);
  });

  it.each(chapter.programs)(
    'has a program $name that is what a program should be',
    ({ file, summary }) => {
      const code = readFileSync(file, 'utf8');
      const lines = code.trimEnd().split('\n').length;

      expect(summary).toMatch(/^[A-Z`"].*\.$/);
      expect(code).toContain('new Redis(');
      expect(code).toContain("process.env.REDIS_URL ?? 'redis://127.0.0.1:6379'");
      expect(code).toMatch(/\n\/\/ Try next: .*[\s\S]*$/);
      expect(lines).toBeLessThanOrEqual(80);
      const deleted = [...code.matchAll(/redis\.del\(([^)]*)\)/g)].map(([, keys]) => keys);
      if (deleted.length > 0) expect(code).not.toMatch(/del\([^)]*(sensor_readings|iot_data)/);
    },
  );
});

describe('the house rules', () => {
  it('chapters import nothing from the machinery', () => {
    const files = readChapters().flatMap(({ path }) =>
      readdirSync(path)
        .filter((name) => name.endsWith('.ts'))
        .map((name) => join(path, name)),
    );
    for (const file of files) {
      const imports = [...readFileSync(file, 'utf8').matchAll(/from '([^']+)'/g)].map(
        ([, from]) => from,
      );
      for (const from of imports) expect(from).toMatch(/^(ioredis|node:.*|\.\.\/stage\.ts)$/);
    }
  });

  it('one file imports redis-memory-server', () => {
    const command = [
      'grep',
      '-lE',
      "(from|require\\()\\s*'redis-memory-server",
      '--',
      '*.ts',
      '*.cjs',
    ];
    const files = execFileSync('git', command, { cwd: ROOT }).toString().trim().split('\n');

    expect(files).toEqual(['system/redis/compile-redis.cjs']);
  });
});
