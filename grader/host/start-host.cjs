// Starts the host: `node start-host.cjs HOST WITNESS`, two bundles. What V8 has made of each is kept beside it, where that can be
// written to; a host that finds it starts in a fifth less time, and a grading starts many.
//
// The witness gets a realm of its own: what a submission does to the objects of this one, it does not do to those. No submission is
// there yet when this runs.
'use strict';

const fs = require('node:fs');
const { cachedDataVersionTag } = require('node:v8');
const { createContext, Script } = require('node:vm');

const [, , host = '', witness = ''] = process.argv;

// It has nothing of this realm in it, and nobody makes code of texts in there.
const codeGeneration = { strings: false, wasm: false };
const realm = createContext(Object.create(null), { codeGeneration });
const { bearWitness } = compile(witness, '(module)').runInContext(realm)({ exports: {} });
const parameters = '(require, importModule, bearWitness)';
// What comes out of V8's store cannot import by itself.
compile(host, parameters).runInThisContext()(
  require,
  (/** @type {string} */ url) => import(url),
  bearWitness,
);

/**
 * A bundle as a function of these parameters, which returns the `module.exports` that it was given.
 *
 * @param {string} bundle
 * @param {string} parameters
 */
function compile(bundle, parameters) {
  const returned = parameters === '(module)' ? 'return module.exports;' : '';
  const source = `${parameters} => {${fs.readFileSync(bundle, 'utf8')}\n${returned}}`;
  // Another version of V8, or other flags, can do nothing with it.
  const kept = `${bundle}.${cachedDataVersionTag()}.v8`;
  const cachedData = readKept(kept);
  const script = new Script(source, { filename: bundle, cachedData });
  if (!cachedData || script.cachedDataRejected) keep(kept, script);
  return script;
}

/** @param {string} kept */
function readKept(kept) {
  try {
    return fs.readFileSync(kept);
  } catch {
    return undefined;
  }
}

/**
 * @param {string} kept
 * @param {import('node:vm').Script} script
 */
function keep(kept, script) {
  const draft = `${kept}.${process.pid}.draft`;
  try {
    fs.writeFileSync(draft, script.createCachedData());
    fs.renameSync(draft, kept);
  } catch {
    // Not here: the next one takes as long as this one.
  }
}
