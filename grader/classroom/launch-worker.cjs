// Starts a process that grades students: `node grader/classroom/launch-worker.cjs REQUIREMENTS_AT_ONCE`. It is told what to do
// on standard input (class-messages.ts).
'use strict';

// @ts-expect-error it has no types
require('tsx/cjs');
const { command } = require('./grade-worker.ts');
const { runCommand } = require('../../system/process/lifetime.ts');

runCommand(command, process.argv.slice(2));
