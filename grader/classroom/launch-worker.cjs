// Starts a process that grades students: `node grader/classroom/launch-worker.cjs REQUIREMENTS_AT_ONCE`. It is told what to do
// on standard input (class-messages.ts).
'use strict';

const { join } = require('node:path');
const { loadTypeScript } = require('../../system/typescript.cjs');

const { command, runCommand } = loadTypeScript(
  join(__dirname, 'grade-worker.ts'),
  join(__dirname, '..', '..', 'system', 'process', 'lifetime.ts'),
);

runCommand(command, process.argv.slice(2));
