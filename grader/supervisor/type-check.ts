import { randomUUID } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { ROOT } from '../../system/paths.ts';
import { run } from '../../system/process/run-program.ts';
import type { TypeProblem } from '../result.ts';

const require = createRequire(import.meta.url);
const MOST = 10;
const PACKAGES = join(ROOT, 'node_modules');
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
 */
export async function checkTypes(
  files: readonly string[],
  folder: string,
): Promise<ReadonlyMap<string, readonly TypeProblem[]>> {
  const settings = join(folder, `types-${randomUUID()}.json`);
  writeFileSync(settings, JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files }));
  const [command = '', ...args] = findCompiler();
  const { output } = await run(command, [...args, '--project', settings, '--pretty', 'false'], {
    cwd: ROOT,
  });
  rmSync(settings, { force: true });
  const problems = new Map<string, TypeProblem[]>();
  for (const line of output.split('\n')) {
    const [, path, row, column, message] =
      /^(.+?)\((\d+),(\d+)\): error \w+: (.+)$/.exec(line) ?? [];
    const file = path && files.find((candidate) => candidate === resolve(ROOT, path));
    if (!file || !message) continue;
    const known = problems.get(file) ?? [];
    if (known.length < MOST) {
      known.push({ place: `${basename(file)}:${row}:${column}`, message });
    }
    problems.set(file, known);
  }
  return problems;
}

/** The compiler itself, where it is; `bin/tsc` is a Node that starts it, and takes as long again. */
function findCompiler(): string[] {
  const folder = dirname(require.resolve('typescript/package.json'));
  const fromThere = createRequire(join(folder, 'package.json'));
  const name = process.platform === 'win32' ? 'tsc.exe' : 'tsc';
  try {
    const build = `@typescript/typescript-${process.platform}-${process.arch}/package.json`;
    const compiler = join(dirname(fromThere.resolve(build)), 'lib', name);
    if (existsSync(compiler)) return [compiler];
  } catch {
    // Another version keeps it elsewhere.
  }
  return [process.execPath, join(folder, 'bin', 'tsc')];
}
