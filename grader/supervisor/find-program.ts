import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ROOT } from '../../system/paths.ts';

const fromWorkbook = createRequire(join(ROOT, 'package.json'));

/**
 * A program that a package brings for each platform in a package of its own: how to run it where it is. What the package itself has in
 * `bin` is a Node that starts it, and takes as long again.
 *
 * @param build the package with the program, for this platform
 * @param folder where it is in there
 */
export function findProgram(
  packageName: string,
  build: string,
  folder: string,
  name: string,
): string[] {
  const home = dirname(fromWorkbook.resolve(`${packageName}/package.json`));
  try {
    const found = createRequire(join(home, 'package.json')).resolve(`${build}/package.json`);
    const inFolder = join(dirname(found), folder, name);
    const program = [inFolder, `${inFolder}.exe`, join(dirname(found), `${name}.exe`)].find(
      existsSync,
    );
    if (program) return [program];
  } catch {
    // Another version keeps it elsewhere.
  }
  return [process.execPath, join(home, 'bin', name)];
}
