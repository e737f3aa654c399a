import { randomUUID } from 'node:crypto';
import { copyFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BuildOptions } from 'esbuild';
import { keepBundle, makeBundle, REQUIRE } from '../../system/load-typescript.ts';
import { GRADER, ROOT } from '../../system/paths.ts';
import { readExercises } from '../exercises.ts';

const HOST = join(GRADER, 'host', 'host.ts');
const WITNESS = join(GRADER, 'host', 'witness.ts');
const TIMERS = join(GRADER, 'host', 'timers.ts');
const START = join(GRADER, 'host', 'start-host.cjs');
const COMPILER = join(GRADER, 'supervisor', 'compiler.ts');

/**
 * Makes one file of the host and the libraries it needs: it then starts in a third less time.
 *
 * @param folder for what cannot be kept from one grading to the next
 * @returns what `node` has to be called with to start a host
 */
export function hostArguments(folder: string): string[] {
  // The names of classes are there for submissions to look at: `error.name === 'ReplyError'`.
  const options: BuildOptions = {
    format: 'cjs',
    inject: [TIMERS],
    minify: true,
    keepNames: true,
    sourcemap: false,
  };
  const host = bundleOf(`import ${JSON.stringify(HOST)};`, 'cjs', options, folder);
  // A realm of its own has no timers, and birpc has no use for them here.
  const banner = { js: 'globalThis.clearTimeout = () => {};' };
  const plain: BuildOptions = { format: 'cjs', minify: true, sourcemap: false, banner };
  const witness = bundleOf(`export * from ${JSON.stringify(WITNESS)};`, 'cjs', plain, folder);
  // Isolated, a host sees this folder and the packages.
  const start = join(folder, basename(START));
  copyFileSync(START, start);
  return [start, host, witness];
}

/**
 * Makes one file of what compiles a submission in a process of its own.
 *
 * @param folder for what cannot be kept from one grading to the next
 * @returns what has to be called with the submission
 */
export function compilerCommand(folder: string): string[] {
  const options: BuildOptions = { format: 'cjs', external: ['esbuild'], sourcemap: false };
  return [
    process.execPath,
    // Isolated, it sees the packages where they really are.
    realpathSync(bundleOf(`import ${JSON.stringify(COMPILER)};`, 'cjs', options, folder)),
    ROOT,
  ];
}

/**
 * Makes one file of all specs, and of the harness that they use.
 *
 * @param folder for what cannot be kept from one grading to the next
 * @returns its URL
 */
export function specBundle(folder: string): string {
  const exercises = readExercises();
  const entries = exercises.map(({ folder }, at) => `${JSON.stringify(folder)}: spec${at}`);
  const contents = [
    `import { runSpecs } from ${JSON.stringify(join(GRADER, 'harness', 'grade-exercise.ts'))};`,
    ...exercises.map(
      ({ spec }, at) => `import { spec as spec${at} } from ${JSON.stringify(spec)};`,
    ),
    `runSpecs({ ${entries.join(', ')} });`,
  ].join('\n');
  // The very vitest that runs it: not the one that `require` finds.
  const packageFile = createRequire(import.meta.url).resolve('vitest/package.json');
  const vitest = pathToFileURL(join(dirname(packageFile), 'dist', 'index.js')).href;
  const options: BuildOptions = {
    format: 'esm',
    alias: { vitest },
    external: [vitest],
    banner: { js: REQUIRE },
    sourcemap: false,
  };
  return pathToFileURL(bundleOf(contents, 'mjs', options, folder)).href;
}

/** The path of a bundle, which is kept, or else written to `folder`. */
function bundleOf(contents: string, ending: string, options: BuildOptions, folder: string): string {
  const kept = keepBundle(contents, ending, options);
  if (kept) return kept;
  const path = join(folder, `bundle-${randomUUID()}.${ending}`);
  writeFileSync(path, makeBundle(contents, options));
  return path;
}
