// Makes the pictures of README.md from real runs: npm run pictures. Ids and times are those of the run; all else stays.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Line, omission, record, svgOf, textOf, typed } from './terminal-picture.ts';

const COLUMNS = 84;
const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..', '..');
const PARTS = ['chapters', 'exercises', 'grader', 'system', 'workbook', 'package.json'];
const ORDERS = join('exercises', '01-order-processing', 'orders.ts');

/** A mistake that is easily made: an order is acknowledged before it is handled. */
const RIGHT = 'for (const entry of entries) await settle(redis, entry, handleOrder, signal);';
const WRONG = `for (const entry of entries) {
          await redis.xack(STREAM, GROUP, entry[0]);
          await settle(redis, entry, handleOrder, signal);
        }`;

const folder = mkdtempSync(join(tmpdir(), 'workbook-pictures-'));
try {
  copyTheWorkbook();
  const chapter = await run('chapter', '4');
  const heading = part(chapter, /^2\. /, /^$/);
  const crash = part(chapter, /^2\. /, /^The others go on/);
  const failure = await run('grade', 'orders', '13');

  save('chapter', 'Chapter 4 in a terminal: three consumers share the work, and one is killed', [
    typed('npm run chapter 4'),
    ...chapter.slice(0, 16),
    omission(),
    [],
    ...heading,
    [],
    // How much happens before the crash is another matter in each run.
    ...crash.slice(heading.length + 1, -1).slice(-7),
    [],
    omission(),
  ]);
  save('failed-requirement', 'A failed requirement: expected, happened, and who did what when', [
    typed('npm run grade orders 13'),
    ...part(failure, /^13\. /, /^ {2}in Redis afterwards/),
    omission(),
  ]);
} finally {
  rmSync(folder, { recursive: true });
}

/** A copy, so that the exercise that is worked on here stays as it is. */
function copyTheWorkbook(): void {
  for (const part of PARTS) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const correct = readFileSync(join(ROOT, 'tests', 'grader', 'base', 'orders.ts'), 'utf8');
  if (!correct.includes(RIGHT))
    throw new Error('tests/grader/base/orders.ts reads orders otherwise');
  writeFileSync(join(folder, ORDERS), correct.replace(RIGHT, WRONG));
  mkdirSync(join(folder, 'state'));
}

function run(...args: string[]): Promise<Line[]> {
  const { CI, NO_COLOR, FORCE_COLOR, REDIS_URL, ...usual } = process.env;
  return record({
    program: process.execPath,
    args: [join('workbook', 'launch.cjs'), ...args],
    cwd: folder,
    env: { ...usual, TERM: 'xterm-256color', WORKBOOK_STATE: join(folder, 'state') },
    columns: COLUMNS,
  });
}

/** The lines from the first that matches `begin` to the one before the next that matches `end`. */
function part(lines: readonly Line[], begin: RegExp, end: RegExp): readonly Line[] {
  const from = lines.findIndex((line) => begin.test(textOf(line)));
  const to = lines.findIndex((line, at) => at > from && end.test(textOf(line)));
  if (from === -1 || to === -1) {
    throw new Error(`no ${begin} before ${end} in:\n${lines.map(textOf).join('\n')}`);
  }
  return lines.slice(from, to);
}

function save(name: string, title: string, lines: readonly Line[]): void {
  const file = join(HERE, `${name}.svg`);
  writeFileSync(file, svgOf(lines, COLUMNS, title));
  console.log(file);
}
