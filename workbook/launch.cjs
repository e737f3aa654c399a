// Starts a command of the workbook: `node workbook/launch.cjs chapter 3`.
//
// Plain JavaScript on purpose: it must still run on the old Node that it has to complain about.
'use strict';

const { join } = require('node:path');

const MINIMUM = { major: 20, minor: 19 };

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
    const { loadTypeScript } = require('../system/typescript.cjs');
    const { command, runCommand } = loadTypeScript(
      join(__dirname, 'commands', `${name}.ts`),
      join(__dirname, '..', 'system', 'process', 'lifetime.ts'),
    );
    runCommand(command, typed);
  } catch (error) {
    const isMissing =
      error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND';
    if (!isMissing) throw error;
    console.error('The workbook is not set up yet. In this folder, type: npm ci');
    process.exitCode = 1;
  }
}
