// What does a submission cost in a class? Measured beside `npm run grade` of the same submission, in one run:
//   npm run bench:class [students]
//
// Both use all processors of the machine, so that time times processors is the same as time. The memory is that of the
// command and of everything that it has started.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pidusage from 'pidusage';
import { findExercise } from '../../grader/exercises.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STUDENTS = Number(process.argv[2] ?? 100);
const SINGLE_RUNS = 7;
const LOOK_EVERY_MS = 1000;

const { name, solution, fileName } = findExercise('orders');
const folder = mkdtempSync(join(tmpdir(), 'workbook-bench-'));
for (let student = 0; student < STUDENTS; student++) {
  mkdirSync(join(folder, 'class', String(student)), { recursive: true });
  copyFileSync(solution, join(folder, 'class', String(student), fileName));
}

/** What a class run says of itself: which walls it was measured with. */
let walls = '';

/** Runs the grader to its end, as it is typed, and returns the milliseconds that it took. */
async function grade(args: readonly string[], watch: (pid: number) => void = () => {}) {
  const started = performance.now();
  const stdio = ['ignore', 'pipe', 'ignore'] as const;
  const child = spawn('npm', ['run', 'grade', '--', ...args], { cwd: ROOT, stdio: [...stdio] });
  child.stdout?.on('data', (chunk: Buffer) => {
    walls = /^Protection: (.*)$/m.exec(chunk.toString())?.[1] ?? walls;
  });
  watch(child.pid ?? 0);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`grade ${args.join(' ')} ended with ${code}`);
  return performance.now() - started;
}

/** A process and all that came out of it. */
function family(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return [pid, ...children.split(' ').filter(Boolean).map(Number).flatMap(family)];
  } catch {
    return [pid];
  }
}

/** Megabytes, looked at every second, with the number of students that were done by then. */
const samples: { done: number; megabytes: number }[] = [];
let timer: NodeJS.Timeout | undefined;
function sample(pid: number): void {
  timer = setInterval(async () => {
    const usage = await pidusage(family(pid)).catch(() => ({}));
    const bytes = Object.values(usage).reduce((sum, one) => sum + (one?.memory ?? 0), 0);
    samples.push({ done: countDone(), megabytes: bytes / 1024 / 1024 });
  }, LOOK_EVERY_MS);
}

function countDone(): number {
  try {
    return readdirSync(join(folder, 'out', 'students')).length / 2;
  } catch {
    return 0;
  }
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const singles: number[] = [];
const single = async () => void singles.push(await grade([name, '--file', solution]));
for (let run = 0; run < SINGLE_RUNS / 2; run++) await single();
const batch = await grade(['--class', join(folder, 'class'), '--out', join(folder, 'out')], sample);
clearInterval(timer);
while (singles.length < SINGLE_RUNS) await single();

const each = batch / STUDENTS;
console.log(`\n${STUDENTS} times the solution of ${name}`);
console.log(`protection               ${walls}`);
console.log(`one npm run grade        ${median(singles).toFixed(0)} ms (median of ${SINGLE_RUNS})`);
console.log(`one of the class         ${each.toFixed(0)} ms`);
console.log(`ratio                    ${(each / median(singles)).toFixed(2)}`);
for (const quarter of [1, 2, 3, 4]) {
  const own = samples.filter(({ done }) => Math.ceil(((done + 1) / STUDENTS) * 4) === quarter);
  const memory = own.map(({ megabytes }) => megabytes);
  const most = Math.max(0, ...memory);
  console.log(
    `memory, quarter ${quarter}        ${median(memory).toFixed(0)} MB in the middle, ${most.toFixed(0)} MB at most`,
  );
}
rmSync(folder, { recursive: true, force: true });
