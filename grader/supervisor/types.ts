import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { ROOT } from '../../workbook/paths.ts';
import { run } from '../../workbook/process/run.ts';
import type { TypeProblem } from '../result.ts';

const require = createRequire(import.meta.url);
const MOST = 10;
/** A file elsewhere does not see the workbook's packages; the grader gives them to it all the same. */
const NOT_ITS_FAULT = /^Cannot find module 'ioredis'/;

/** What the TypeScript compiler says about these files, by file. An empty list is good news. */
export async function checkTypes(
  files: readonly string[],
): Promise<ReadonlyMap<string, readonly TypeProblem[]>> {
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  const settings = [
    [
      '--ignoreConfig',
      '--noEmit',
      '--strict',
      '--noUncheckedIndexedAccess',
      '--skipLibCheck',
      '--pretty',
      'false',
    ],
    ['--target', 'es2023', '--module', 'nodenext', '--allowImportingTsExtensions'],
    ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules', '@types')],
  ].flat();
  const { output } = await run(process.execPath, [compiler, ...settings, ...files], { cwd: ROOT });
  const problems = new Map<string, TypeProblem[]>();
  for (const line of output.split('\n')) {
    const [, path, row, column, message] =
      /^(.+?)\((\d+),(\d+)\): error \w+: (.+)$/.exec(line) ?? [];
    const file = path && files.find((candidate) => candidate === resolve(ROOT, path));
    if (!file || !message || NOT_ITS_FAULT.test(message)) continue;
    const known = problems.get(file) ?? [];
    if (known.length < MOST) {
      known.push({ place: `${basename(file)}:${row}:${column}`, message });
    }
    problems.set(file, known);
  }
  return problems;
}
