// Starts a command of the workbook: `node workbook/launch.cjs chapter 3`.
//
// Plain JavaScript on purpose: it must still run on the old Node that it has to complain about.
// `tsx/cjs` rather than `--import tsx`, because a command is then up in half the time.
'use strict';

const { tmpdir } = require('node:os');

const MINIMUM = { major: 20, minor: 12 };

const [, , name, ...typed] = process.argv;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const tooOld = major < MINIMUM.major || (major === MINIMUM.major && minor < MINIMUM.minor);

if (tooOld) {
  console.error(
    `The workbook needs Node ${MINIMUM.major}.${MINIMUM.minor} or newer; this is ${process.versions.node}.\n` +
      'Install a current version from https://nodejs.org, or type: nvm install 22',
  );
  process.exitCode = 1;
} else {
  try {
    // @ts-expect-error it has no types
    require('tsx/cjs');
    const { command } = require(`./commands/${name}.ts`);
    const { runCommand } = require('../system/process/lifetime.ts');
    runCommand(command, typed);
  } catch (error) {
    const explanation = explain(error);
    if (!explanation) throw error;
    console.error(explanation);
    process.exitCode = 1;
  }
}

/**
 * What to do about an error that kept a command from being loaded at all.
 * @param {unknown} error
 */
function explain(error) {
  if (!(error instanceof Error)) return undefined;
  const { code = '', path = '' } = /** @type {NodeJS.ErrnoException} */ (error);
  if (code === 'MODULE_NOT_FOUND') {
    return 'The workbook is not set up yet. In this folder, type: npm ci';
  }
  if (path.startsWith(tmpdir())) {
    return `Cannot write to the folder for temporary files: ${error.message}\nSet TMPDIR to one that can be written.`;
  }
  return undefined;
}
