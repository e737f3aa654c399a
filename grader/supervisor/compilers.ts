import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stop as stopEsbuild } from 'esbuild';
import { ROOT } from '../../system/paths.ts';
import { errorMessage } from '../../system/process/user-error.ts';
import type { Problem } from '../messages.ts';
import { compilerCommand } from './bundle.ts';
import { type Compiled, compileSubmission } from './compile-submission.ts';
import type { Isolation } from './isolation.ts';
import { runBounded } from './run-bounded.ts';

/**
 * Makes what can be run of submissions. A compiler reads what a stranger wrote: where submissions are isolated, it is so too, in a
 * process for each file, so that one on which it breaks costs nobody else anything. One's own file is compiled in this process,
 * which takes less time.
 */
export class SubmissionCompiler {
  readonly #isolation: Isolation | undefined;
  readonly #command: readonly string[];
  readonly #compiled = new Set<string>();

  /** @param folder for what cannot be kept from one grading to the next */
  constructor(folder: string, isolation?: Isolation) {
    this.#isolation = isolation;
    this.#command = isolation ? compilerCommand(folder) : [];
  }

  /**
   * @param folder where the result goes
   * @returns its URL, or why the submission cannot be loaded
   */
  async compile(file: string, folder: string): Promise<{ path: string } | { problem: Problem }> {
    const outfile = join(folder, `${basename(file, '.ts')}.mjs`);
    const compiled = this.#isolation
      ? await this.#inside(file, outfile, folder)
      : await compileHere(file, outfile);
    if ('problem' in compiled) return compiled;
    this.#compiled.add(file);
    writeFileSync(outfile, compiled.code);
    return { path: pathToFileURL(outfile).href };
  }

  hasCompiled(file: string): boolean {
    return this.#compiled.has(file);
  }

  async #inside(file: string, outfile: string, folder: string): Promise<Compiled> {
    const command = [...this.#command, file, outfile];
    const { output, stopped } = await runBounded(command, folder, this.#isolation);
    return readCompiled(output) ?? broken(file, stopped ?? 'it ended without a result');
  }
}

async function compileHere(file: string, outfile: string): Promise<Compiled> {
  try {
    return await compileSubmission(file, outfile, ROOT);
  } catch (error) {
    // Its process may be gone: the next file gets a new one.
    await stopEsbuild();
    return broken(file, errorMessage(error));
  }
}

function broken(file: string, why: string): { problem: Problem } {
  const message = `the compiler broke on ${basename(file)}: ${why}. Is something nested thousands of levels deep?`;
  return { problem: { kind: 'cannot load', message, stack: '' } };
}

function readCompiled(output: string): Compiled | undefined {
  try {
    const { code, problem } = JSON.parse(output);
    if (typeof code === 'string') return { code };
    return { problem: { kind: 'cannot load', message: String(problem.message), stack: '' } };
  } catch {
    return undefined;
  }
}
