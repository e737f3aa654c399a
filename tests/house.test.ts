import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Arrow, arrowsOf, findCircle } from './support/imports.ts';
import { ROOT } from './support/workbook.ts';

// The arrows between the folders run one way, and every file has a name of its own.

const FILES = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: ROOT })
  .toString()
  .trim()
  .split('\n');
const CODE = FILES.filter((file) => /^(?!tests\/).*\/.*\.(ts|cjs|mjs)$/.test(file));
const ARROWS = CODE.flatMap((file) => arrowsOf(file, readFileSync(join(ROOT, file), 'utf8')));

/** Which rooms a room may import from, besides packages and itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  chapters: [],
  exercises: [],
  solutions: [],
  system: [],
  grader: ['system'],
  'grader/classroom': ['system', 'grader'],
  workbook: ['system', 'grader', 'grader/classroom', 'chapters'],
  docs: [],
};

/** In the folders of exercises, names are the same by convention. */
const isMachinery = (file: string) => /^(system|grader|workbook)\/(?!\d\d-)/.test(file);

/** The room that a file is in: the innermost. */
const roomOf = (path: string) =>
  Object.keys(MAY_IMPORT)
    .filter((room) => path.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0];

/** The arrows that run where none may. */
function forbidden(arrows: readonly Arrow[]): Arrow[] {
  return arrows.filter(({ from, to }) => {
    const [source = '', target] = [roomOf(from), roomOf(to)];
    const isPackage = target === undefined && !to.includes('..') && !FILES.includes(to);
    if (isPackage) return false;
    return source !== target && !(target && MAY_IMPORT[source]?.includes(target));
  });
}

describe('the house', () => {
  it('has arrows that run one way', () => {
    expect(forbidden(ARROWS)).toEqual([]);
    expect(ARROWS.length).toBeGreaterThan(500);
  });

  it('has no circle between files', () => {
    expect(findCircle(ARROWS)).toBeUndefined();
  });

  it.each([
    ['chapters/04-consumer-groups/consumer.ts', '../../system/paths.ts'],
    ['exercises/01-order-processing/orders.ts', '../../solutions/01-order-processing/orders.ts'],
    ['solutions/01-order-processing/orders.ts', '../../grader/requirement.ts'],
    ['system/paths.ts', '../grader/exercises.ts'],
    ['system/redis/find-redis.ts', '../../workbook/book/chapters.ts'],
    ['grader/session.ts', '../workbook/book/chapters.ts'],
    ['grader/session.ts', './classroom/class-command.ts'],
    ['grader/01-order-processing/shop.ts', '../../solutions/01-order-processing/orders.ts'],
    ['grader/classroom/similarity.ts', '../../workbook/learner/standing.ts'],
    ['workbook/learner/standing.ts', '../../solutions/01-order-processing/orders.ts'],
  ])('sees a forbidden import planted in %s', (file, specifier) => {
    for (const planted of [
      `import { something } from '${specifier}';`,
      `import type { Something } from '${specifier}';`,
      `const something = await import('${specifier}');`,
      `const something = require('${specifier}');`,
    ]) {
      expect(forbidden(arrowsOf(file, planted))).toHaveLength(1);
    }
  });

  it('sees a circle', () => {
    const planted = [
      ...arrowsOf('system/a.ts', "import './b.ts';"),
      ...arrowsOf('system/b.ts', "import type { C } from './c.ts';"),
      ...arrowsOf('system/c.ts', "import './a.ts';"),
    ];

    expect(findCircle(planted)).toEqual([
      'system/a.ts',
      'system/b.ts',
      'system/c.ts',
      'system/a.ts',
    ]);
  });

  it('gives no two files of the machinery one name', () => {
    const names = FILES.filter(isMachinery)
      .filter((file) => /\.(ts|cjs|sh)$/.test(file))
      .map((file) => basename(file, extname(file)));

    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});
