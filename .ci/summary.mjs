// Prints `N passed, N failed` from vitest's JSON report. Whatever did not pass has failed: a test that
// never ran, a file that could not be loaded, a report that is missing.
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const tests = report.testResults.flatMap(
  /** @param {{ status: string, assertionResults: { status: string }[] }} file */
  ({ status, assertionResults }) =>
    assertionResults.length > 0
      ? assertionResults
      : [{ status: status === 'passed' ? 'empty' : status }],
);
const count = (/** @type {string[]} */ ...states) =>
  tests.filter((/** @type {{ status: string }} */ { status }) => states.includes(status)).length;

const passed = count('passed');
const skipped = count('skipped', 'pending', 'todo', 'disabled');
const failed = tests.length - passed - skipped;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
