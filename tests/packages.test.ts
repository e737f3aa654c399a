import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { minVersion, satisfies } from 'semver';
import { expect, it } from 'vitest';
import { ROOT } from './support/workbook.ts';

interface Package {
  readonly engines?: { readonly node?: string };
  /** A build for another system, which is left out here. */
  readonly optional?: boolean;
  readonly optionalDependencies?: Record<string, string>;
}

const read = (file: string) => JSON.parse(readFileSync(join(ROOT, file), 'utf8'));
const PACKAGES: Record<string, Package> = read('package-lock.json').packages;

it('needs no newer Node than the workbook says', () => {
  const oldest = minVersion(read('package.json').engines.node)?.version ?? '';

  const tooNew = Object.entries(PACKAGES)
    .filter(([, { optional }]) => !optional)
    .filter(([, { engines }]) => !satisfies(oldest, engines?.node ?? '*'))
    .map(([name, { engines }]) => `${name} wants ${engines?.node}`);

  expect(tooNew).toEqual([]);
});

it('knows the builds for every system of what is not JavaScript alone', () => {
  const missing = Object.entries(PACKAGES).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !PACKAGES[`node_modules/${name}`] && !PACKAGES[`${path}/node_modules/${name}`],
    ),
  );

  expect(missing, 'without them, npm ci fails on the systems that it was not typed on').toEqual([]);
});
