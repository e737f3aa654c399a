import { randomUUID } from 'node:crypto';
import { copyFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type BuildOptions, build, type Message, type OnResolveResult, type Plugin } from 'esbuild';
import { keepBundle, makeBundle, REQUIRE } from '../../system/load-typescript.ts';
import { GRADER, ROOT } from '../../system/paths.ts';
import { readExercises } from '../exercises.ts';
import { type Problem, SHARED_REDIS } from '../messages.ts';

const HOST = join(GRADER, 'host', 'host.ts');
const TIMERS = join(GRADER, 'host', 'timers.ts');
const START = join(GRADER, 'host', 'start-host.cjs');
const NODE = 'node20';
const SHARED = 'shared';
const require = createRequire(import.meta.url);

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
  const bundle = bundleOf(`import ${JSON.stringify(HOST)};`, 'cjs', options, folder);
  // Isolated, a host sees this folder and the packages.
  const start = join(folder, basename(START));
  copyFileSync(START, start);
  return [start, bundle];
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

/**
 * Makes plain JavaScript of a submission, and of the files beside it that it imports. Stack traces go on to
 * name the lines of the learner's own files.
 *
 * @returns where the bundle is, or why the submission cannot be loaded
 */
export async function bundleSubmission(
  file: string,
  folder: string,
): Promise<{ path: string } | { problem: Problem }> {
  const outfile = join(folder, `${basename(file, '.ts')}.mjs`);
  try {
    await build({
      entryPoints: [file],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: NODE,
      sourcemap: 'inline',
      sourcesContent: false,
      // The learner's TypeScript settings are for the editor; what runs does not depend on them.
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
      plugins: [sharedRedis, ownImportsOnly(file)],
      logLevel: 'silent',
    });
    return { path: pathToFileURL(outfile).href };
  } catch (error) {
    const [first] = isBuildFailure(error) ? error.errors : [];
    if (!first) throw error;
    return { problem: { kind: 'cannot load', message: describe(first), stack: '' } };
  }
}

/**
 * A submission's `ioredis` is the one that its host has loaded, and that `redis` comes from: its errors are then instances of the classes
 * that the submission imports, and nothing is loaded twice.
 */
const sharedRedis: Plugin = {
  name: 'shared-redis',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^ioredis$/ }, () => ({ path: 'ioredis', namespace: SHARED }));
    onLoad({ filter: /.*/, namespace: SHARED }, () => {
      const names = Object.keys(require('ioredis')).filter((name) => /^[A-Za-z]\w*$/.test(name));
      const contents = [
        `const shared = globalThis[Symbol.for(${JSON.stringify(SHARED_REDIS)})];`,
        ...names
          .filter((name) => name !== 'default')
          .map((name) => `export const ${name} = shared.${name};`),
        'export default shared.default;',
      ].join('\n');
      return { contents };
    });
  },
};

/** Files beside the submission are bundled with it, packages are left where they are, the rest is refused. */
function ownImportsOnly(file: string): Plugin {
  const home = dirname(file);
  const fromWorkbook = createRequire(join(ROOT, 'package.json'));
  return {
    name: 'own-imports-only',
    setup({ onResolve }) {
      onResolve({ filter: /.*/ }, ({ path, kind, resolveDir }): OnResolveResult | undefined => {
        if (kind === 'entry-point') return undefined;
        const refusal = (why: string) => ({ errors: [{ text: `it imports '${path}': ${why}` }] });
        if (/^(vitest|@vitest\/.*)$/.test(path)) {
          return refusal('the grader brings its own, and a submission has no use for it');
        }
        if (/^\.{0,2}\//.test(path) || path.startsWith('file:')) {
          const target = path.startsWith('file:') ? fileURLToPath(path) : resolve(resolveDir, path);
          if (target.split(sep).includes('solutions')) {
            return refusal('the solutions are for reading; this is to be your own work');
          }
          const inside = relative(home, target);
          if (inside.startsWith('..')) return refusal('only files of its own folder can be graded');
          return undefined;
        }
        if (path.startsWith('node:')) return { path, external: true };
        try {
          const resolved = fromWorkbook.resolve(path);
          const isBuiltIn = resolved === path;
          return { path: isBuiltIn ? path : pathToFileURL(resolved).href, external: true };
        } catch {
          return refusal('the workbook has no such package');
        }
      });
    },
  };
}

function describe({ text, location }: Message): string {
  if (!location) return text;
  const place = `${basename(location.file)}:${location.line}:${location.column + 1}`;
  return `${place}: ${text}\n    ${location.lineText.trim()}`;
}

function isBuildFailure(error: unknown): error is { errors: Message[] } {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}
