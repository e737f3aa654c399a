import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT } from './paths.ts';

const require = createRequire(import.meta.url);

/** As it lies there: in a bundle, it would not know where it is. */
const typescript: typeof import('./typescript.cjs') = require(
  join(ROOT, 'system', 'typescript.cjs'),
);

export const { keepBundle, loadTypeScript, makeBundle, programArguments, REQUIRE } = typescript;
