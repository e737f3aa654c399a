import { randomUUID } from 'node:crypto';
import { realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { ROOT } from '../../system/paths.ts';
import type { TypeProblem } from '../result.ts';
import { findProgram } from './find-program.ts';
import type { Isolation } from './isolation.ts';
import { runBounded } from './run-bounded.ts';

const MOST = 10;
const PLATFORM = `${process.platform}-${process.arch}`;
const PACKAGES = realpathSync(join(ROOT, 'node_modules'));
const COMPILER_OPTIONS = {
  noEmit: true,
  strict: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  target: 'es2023',
  // A submission is bundled. Whether there is a package.json near it has no effect.
  module: 'esnext',
  moduleResolution: 'bundler',
  moduleDetection: 'force',
  allowImportingTsExtensions: true,
  types: ['node'],
  typeRoots: [join(PACKAGES, '@types')],
  paths: { '*': [join(PACKAGES, '*')] },
};

/**
 * What the TypeScript compiler says about these files, by file, wherever they lie: they see the packages of the workbook, as
 * they do when they are graded. An empty list is good news.
 *
 * @param folder for the compiler's settings
 * @param isolation keeps the compiler in: a type can name any file that it is able to read, and tell what is in it
 */
export async function checkTypes(
  files: readonly string[],
  folder: string,
  isolation?: Isolation,
): Promise<ReadonlyMap<string, readonly TypeProblem[]>> {
  if (files.length === 0) return new Map();
  const settings = join(folder, `types-${randomUUID()}.json`);
  const text = JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files });
  writeFileSync(settings, text, { mode: 0o644 });
  const command = [
    ...findProgram('typescript', `@typescript/typescript-${PLATFORM}`, 'lib', 'tsc'),
    '--project',
    settings,
    '--pretty',
    'false',
  ];
  const { code, output, stopped } = await runBounded(command, folder, isolation);
  rmSync(settings, { force: true });
  const problems = new Map<string, TypeProblem[]>();
  for (const line of output.split('\n')) {
    const [, path, row, column, message] =
      /^(.+?)\((\d+),(\d+)\): error \w+: (.+)$/.exec(line) ?? [];
    const file = path && files.find((candidate) => candidate === resolve(folder, path));
    if (!file || !message) continue;
    const known = problems.get(file) ?? [];
    if (known.length < MOST) {
      known.push({ place: `${basename(file)}:${row}:${column}`, message });
    }
    problems.set(file, known);
  }
  if (problems.size > 0 || (code === 0 && !stopped)) return problems;
  const message = `TypeScript's compiler broke on it: ${stopped ?? 'it ended without a result'}`;
  return new Map(files.map((file) => [file, [{ place: basename(file), message }]]));
}
