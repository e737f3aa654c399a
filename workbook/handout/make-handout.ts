import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Exercise, readExercises } from '../../grader/exercises.ts';
import { ROOT } from '../../system/paths.ts';
import { fileSystemTrouble, UserError } from '../../system/process/user-error.ts';

const WHOLE = [
  'chapters',
  'system',
  'workbook',
  '.devcontainer',
  'LICENSE',
  'package-lock.json',
  'tsconfig.json',
  '.gitignore',
];
/** README.md shows them. */
const PICTURES = join('docs', 'pictures');
/** Commands that work on what a handout does not have. */
const OUR_COMMANDS = /^(test|lint|format|typecheck|pictures|handout|gradescope-zip|bench:.*)$/;
const NOT_FOR_LEARNERS = /<!-- not in handouts -->\n[\s\S]*?<!-- \/not in handouts -->\n?/g;

/**
 * Makes a copy of the workbook for learners: no solutions, no tests, nothing for instructors, and every exercise as it was
 * at the beginning. Its README names only what is there.
 *
 * @throws UserError when the folder is not empty, or cannot be written to
 */
export function makeHandout(folder: string, exercises: readonly Exercise[]): void {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new UserError(`${folder} is not empty. Name a folder that is, or that is not there yet.`);
  }
  try {
    mkdirSync(folder, { recursive: true });
    for (const path of WHOLE) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
    copyGrader(folder, exercises);
    for (const name of readdirSync(join(ROOT, PICTURES)).filter((name) => name.endsWith('.svg'))) {
      cpSync(join(ROOT, PICTURES, name), join(folder, PICTURES, name));
    }
    for (const exercise of exercises) copyExercise(folder, exercise);
    write(folder, 'README.md', readmeFor(exercises));
    write(folder, 'package.json', packageJson());
  } catch (error) {
    throw fileSystemTrouble(error, `write to ${folder}`);
  }
}

/** All of the grader, with the checks of these exercises alone. */
function copyGrader(folder: string, exercises: readonly Exercise[]): void {
  const wanted = new Set(exercises.map((exercise) => exercise.folder));
  const left = readExercises().filter((exercise) => !wanted.has(exercise.folder));
  const leftOut = new Set(left.map((exercise) => join(ROOT, 'grader', exercise.folder)));
  cpSync(join(ROOT, 'grader'), join(folder, 'grader'), {
    recursive: true,
    filter: (source) => !leftOut.has(source),
  });
}

function copyExercise(folder: string, exercise: Exercise): void {
  const target = join('exercises', exercise.folder);
  // Not the file itself: whoever makes the handout may have worked on it.
  write(folder, join(target, exercise.fileName), readFileSync(exercise.starter, 'utf8'));
  const readme = readFileSync(join(ROOT, target, 'README.md'), 'utf8');
  write(folder, join(target, 'README.md'), readme.replace(NOT_FOR_LEARNERS, ''));
}

function readmeFor(exercises: readonly Exercise[]): string {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8').replace(NOT_FOR_LEARNERS, '');
  const wanted = exercises.map((exercise) => `](exercises/${exercise.folder}/`);
  return readme
    .split('\n')
    .filter((line) => !line.includes('](exercises/') || wanted.some((link) => line.includes(link)))
    .filter((line) => !/`npm test`|`npm run diff orders`/.test(line))
    .join('\n');
}

function packageJson(): string {
  const file: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  );
  const scripts = Object.entries(file.scripts).filter(([name]) => !OUR_COMMANDS.test(name));
  return `${JSON.stringify({ ...file, scripts: Object.fromEntries(scripts) }, null, 2)}\n`;
}

function write(folder: string, path: string, text: string): void {
  const target = join(folder, path);
  mkdirSync(join(target, '..'), { recursive: true });
  writeFileSync(target, text);
}
