// Runs TypeScript in a hurry: bundles a file with all that it imports into one of JavaScript, and keeps the bundle until one of
// its sources changes. To load a command file by file takes longer than what most commands do.
//
// Plain JavaScript: it has to be there before anything of ours that is not. Where nothing can be kept (a folder that is
// read-only), and where a file has a mistake in it, tsx does the same, only later.
'use strict';

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const { join, resolve } = require('node:path');
const { pathToFileURL } = require('node:url');

const ROOT = resolve(__dirname, '..');
/** Where tools keep what can be made again; it goes with the packages. */
const CACHE = join(ROOT, 'node_modules', '.cache', 'redis-streams-workbook');
/** npm writes it whenever it changes a package. */
const PACKAGES = join(ROOT, 'node_modules', '.package-lock.json');
const HEAD = '//! ';
const DRAFT = '.draft';
const AN_HOUR_MS = 3_600_000;
/** For packages that are CommonJS, in a bundle that is not. */
const REQUIRE =
  'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';
/** They come with programs of their own, or load their parts themselves. */
const NOT_BUNDLED = ['esbuild', 'fsevents', 'tsx', 'typescript', 'vitest'];

/**
 * What all bundles have in common.
 * @type {import('esbuild').BuildOptions & { write: false, metafile: true }}
 */
const COMMON = {
  bundle: true,
  write: false,
  metafile: true,
  absWorkingDir: ROOT,
  platform: 'node',
  target: 'node20',
  sourcemap: 'inline',
  sourcesContent: false,
  logLevel: 'silent',
};

/**
 * Loads TypeScript files of the workbook, and what they import: all that they export, together.
 *
 * @param {string[]} files their whole paths
 */
function loadTypeScript(...files) {
  const bundle = keepBundle(exportsOf(files), 'cjs', {
    format: 'cjs',
    external: NOT_BUNDLED,
    sourcemap: false,
    // All in one file, they are where this one is; `ROOT` says where the others were.
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(join(__dirname, 'paths.ts')).href) },
  });
  if (bundle) return require(bundle);
  // @ts-expect-error it has no types
  require('tsx/cjs');
  return Object.assign({}, ...files.map((file) => require(file)));
}

/**
 * How to run a program of a chapter: what `node` has to be called with.
 *
 * @param {string} file its whole path
 * @returns {string[]}
 */
function programArguments(file) {
  const contents = `import ${JSON.stringify(file)};`;
  const bundle = keepBundle(contents, 'mjs', { format: 'esm', banner: { js: REQUIRE } });
  if (bundle) return ['--enable-source-maps', bundle];
  return ['--import', pathToFileURL(require.resolve('tsx/esm')).href, file];
}

/**
 * All that these files export, together.
 * @param {string[]} files
 */
function exportsOf(files) {
  // As CommonJS, because `export *` does not pass on what is exported by default.
  const parts = files.map((file) => `require(${JSON.stringify(file)})`);
  return `module.exports = Object.assign({}, ${parts.join(', ')});`;
}

/**
 * The path of the bundle of a module with this text, made anew if it has to be; undefined when it cannot be kept.
 *
 * @param {string} contents imports by whole paths
 * @param {string} ending
 * @param {import('esbuild').BuildOptions} options
 */
function keepBundle(contents, ending, options) {
  // Another version of this file makes other bundles.
  const key = [fs.readFileSync(__filename, 'utf8'), contents, JSON.stringify(options)].join('\n');
  const name = createHash('sha256').update(key).digest('hex').slice(0, 16);
  const bundle = join(CACHE, `${name}.${ending}`);
  if (isFresh(bundle)) return bundle;
  try {
    const text = makeBundle(contents, options);
    fs.mkdirSync(CACHE, { recursive: true });
    const draft = `${bundle}.${process.pid}${DRAFT}`;
    fs.writeFileSync(draft, text);
    fs.renameSync(draft, bundle);
    removeStale();
    return bundle;
  } catch {
    return undefined;
  }
}

/**
 * The text of a bundle: behind a line that says what it was made of.
 *
 * @param {string} contents
 * @param {import('esbuild').BuildOptions} options
 */
function makeBundle(contents, options) {
  /** @type {typeof import('esbuild')} */
  const { buildSync } = require('esbuild');
  const stdin = { contents, resolveDir: ROOT };
  const { outputFiles = [], metafile } = buildSync({ ...COMMON, ...options, stdin });
  const own = Object.keys(metafile?.inputs ?? {}).filter(
    (input) => !/node_modules|^<stdin>$/.test(input),
  );
  const sources = [...own.map((input) => resolve(ROOT, input)), PACKAGES].map(withStamp);
  const about = JSON.stringify({ node: process.versions.node, sources });
  return `${HEAD}${about}\n${outputFiles[0]?.text}`;
}

/**
 * Whether nothing that a bundle was made of has changed since.
 * @param {string} bundle
 */
function isFresh(bundle) {
  try {
    const text = fs.readFileSync(bundle, 'utf8');
    const { node, sources } = JSON.parse(text.slice(HEAD.length, text.indexOf('\n')));
    return (
      node === process.versions.node &&
      sources.every((/** @type {[string, string]} */ [path, known]) => withStamp(path)[1] === known)
    );
  } catch {
    return false; // there is none, or not all of it
  }
}

/**
 * A file, and what changes whenever it does.
 * @param {string} path
 */
function withStamp(path) {
  const { mtimeMs, size } = fs.statSync(path, { throwIfNoEntry: false }) ?? {};
  return [path, `${mtimeMs} ${size}`];
}

/** Removes what nobody can use any more, also of copies of the workbook that share its packages and are gone. */
function removeStale() {
  for (const name of fs.readdirSync(CACHE)) {
    const path = join(CACHE, name);
    // What belongs to a bundle has its name, and more.
    const [bundle = name] = /^\w+\.[cm]js/.exec(name) ?? [];
    const isUseless = name.endsWith(DRAFT)
      ? (fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < Date.now() - AN_HOUR_MS
      : !isFresh(join(CACHE, bundle));
    if (isUseless) fs.rmSync(path, { force: true });
  }
}

module.exports = { keepBundle, loadTypeScript, makeBundle, programArguments, REQUIRE };
