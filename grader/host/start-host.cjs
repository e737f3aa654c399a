// Starts the host: `node start-host.cjs BUNDLE`. What V8 has made of the bundle is kept beside it, where that can be written to;
// a host that finds it starts in a fifth less time, and a grading starts many.
//
// No submission is there yet when this runs.
'use strict';

const fs = require('node:fs');
const { cachedDataVersionTag } = require('node:v8');
const { Script } = require('node:vm');

const [, , bundle = ''] = process.argv;
// Another version of V8, or other flags, can do nothing with it.
const kept = `${bundle}.${cachedDataVersionTag()}.v8`;

const source = `(require, importModule) => {${fs.readFileSync(bundle, 'utf8')}\n}`;
const cachedData = readKept();
const script = new Script(source, { filename: bundle, cachedData });
// What comes out of V8's store cannot import by itself.
script.runInThisContext()(require, (/** @type {string} */ url) => import(url));
if (!cachedData || script.cachedDataRejected) keep();

function readKept() {
  try {
    return fs.readFileSync(kept);
  } catch {
    return undefined;
  }
}

function keep() {
  const draft = `${kept}.${process.pid}.draft`;
  try {
    fs.writeFileSync(draft, script.createCachedData());
    fs.renameSync(draft, kept);
  } catch {
    // Not here: the next one takes as long as this one.
  }
}
