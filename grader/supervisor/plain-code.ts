import { findProgram } from './find-program.ts';
import type { Isolation } from './isolation.ts';
import { runBounded } from './run-bounded.ts';

const BUILD = `@esbuild/${process.platform}-${process.arch}`;

/**
 * The code of a TypeScript file without types, comments and spaces; nothing of one that does not parse, or on which the compiler
 * breaks. Each is read by a process of its own: a stranger wrote it.
 */
export async function plainCode(
  source: string,
  folder: string,
  isolation?: Isolation,
): Promise<string> {
  const command = [
    ...findProgram('esbuild', BUILD, 'bin', 'esbuild'),
    ...['--loader=ts', '--minify-whitespace', '--log-level=silent'],
  ];
  const { code, output } = await runBounded(command, folder, isolation, source);
  return code === 0 ? output : '';
}
