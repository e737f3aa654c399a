import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Message, OnResolveResult, Plugin } from 'esbuild';
import { type Problem, SHARED_REDIS } from '../messages.ts';

const NODE = 'node20';
const SHARED = 'shared';

/** A submission as plain JavaScript, or why there is none. */
export type Compiled = { readonly code: string } | { readonly problem: Problem };

/**
 * Makes plain JavaScript of a submission, and of the files beside it that it imports. Stack traces go on to
 * name the lines of the learner's own files.
 *
 * @param outfile where it is going to be
 * @param root the workbook's folder: its packages are those that can be imported
 * @throws when the compiler itself breaks on it
 */
export async function compileSubmission(
  file: string,
  outfile: string,
  root: string,
): Promise<Compiled> {
  const fromWorkbook = createRequire(join(root, 'package.json'));
  const esbuild: typeof import('esbuild') = fromWorkbook('esbuild');
  try {
    const { outputFiles } = await esbuild.build({
      entryPoints: [file],
      outfile,
      write: false,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: NODE,
      sourcemap: 'inline',
      sourcesContent: false,
      // The learner's TypeScript settings are for the editor; what runs does not depend on them.
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
      plugins: [sharedRedis(fromWorkbook), ownImportsOnly(file, fromWorkbook)],
      logLevel: 'silent',
    });
    return { code: outputFiles[0]?.text ?? '' };
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
const sharedRedis = (fromWorkbook: NodeJS.Require): Plugin => ({
  name: 'shared-redis',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^ioredis$/ }, () => ({ path: 'ioredis', namespace: SHARED }));
    onLoad({ filter: /.*/, namespace: SHARED }, () => {
      const names = Object.keys(fromWorkbook('ioredis')).filter((name) =>
        /^[A-Za-z]\w*$/.test(name),
      );
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
});

/** Files beside the submission are bundled with it, packages are left where they are, the rest is refused. */
function ownImportsOnly(file: string, fromWorkbook: NodeJS.Require): Plugin {
  const home = dirname(file);
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
