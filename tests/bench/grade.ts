// How long does a grading take? Measured beside a bare `vitest run` of one empty test, in turns, so that both see the
// same machine:
//   npm run bench:grade [runs]
//
// Once as a person types it (npx vitest run, npm run grade), once without npm (node vitest.mjs, node launch.cjs). Saving
// is measured inside watch mode, from the write to the verdict. Times are medians.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Exercise, readExercises } from '../../grader/exercises.ts';
import { readBase } from '../support/base.ts';
import { copyOfTheWorkbook } from '../support/copy.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUNS = Number(process.argv[2] ?? 7);
const LAUNCH = [join('workbook', 'launch.cjs'), 'grade'];

const folder = mkdtempSync(join(tmpdir(), 'workbook-bench-'));
const empty = join(folder, 'empty');
mkdirSync(empty);
symlinkSync(join(ROOT, 'node_modules'), join(empty, 'node_modules'));
writeFileSync(join(empty, 'package.json'), '{"type":"module"}');
writeFileSync(
  join(empty, 'empty.test.ts'),
  "import { test } from 'vitest';\n\ntest('nothing', () => {});\n",
);

/** Milliseconds that a command takes to its end. */
async function duration(command: string, args: readonly string[], cwd = ROOT): Promise<number> {
  const started = performance.now();
  const child = spawn(command, args, { cwd, stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`);
  return performance.now() - started;
}

/** A command that grades whenever a file is saved. */
class Watch {
  readonly #child: ChildProcess;
  readonly #file: string;
  readonly #verdict: RegExp;
  #output = '';

  /** @param verdict what it prints when it has graded */
  constructor(file: string, verdict: RegExp, args: readonly string[], cwd: string) {
    this.#file = file;
    this.#verdict = verdict;
    this.#child = spawn(process.execPath, [join('workbook', 'launch.cjs'), ...args], {
      cwd,
      env: { ...process.env, WORKBOOK_STATE: join(folder, 'state') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString();
      this.#child.emit('said');
    });
  }

  /** Watch mode on a copy of a solution. */
  static onCopy(name: string, solution: string, fileName: string): Watch {
    mkdirSync(join(folder, name));
    const file = join(folder, name, fileName);
    copyFileSync(solution, file);
    return new Watch(file, /of 100 points/, ['grade', name, '--watch', '--file', file], ROOT);
  }

  /** Work mode in a copy of the workbook, at a requirement that is not met. */
  static onWork({ name, folder: exercise, fileName }: Exercise): Watch {
    const cwd = copyOfTheWorkbook({ folder }, 'workbook');
    const file = join(cwd, 'exercises', exercise, fileName);
    writeFileSync(file, readBase(name).replaceAll('xadd(', 'xlen('));
    return new Watch(file, /happened/, ['learn', name], cwd);
  }

  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#output)) await once(this.#child, 'said');
  }

  /** Milliseconds from a save to its verdict. */
  async save(): Promise<number> {
    this.#output = '';
    const started = performance.now();
    writeFileSync(this.#file, '\n', { flag: 'a' });
    await this.says(this.#verdict);
    const duration = performance.now() - started;
    // It gets ready for the next save, and must not do so while something else is measured.
    await this.says(/Watching/);
    return duration;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGINT');
    await once(this.#child, 'exit');
  }
}

const node = process.execPath;
const vitest = join('node_modules', 'vitest', 'vitest.mjs');
const FLOOR = 'node vitest.mjs run (one empty test)';
const TYPED_FLOOR = 'npx vitest run (one empty test)';
const measured: { name: string; measure: () => Promise<number> }[] = [
  { name: FLOOR, measure: () => duration(node, [vitest, 'run'], empty) },
  { name: TYPED_FLOOR, measure: () => duration('npx', ['vitest', 'run'], empty) },
  {
    name: 'node launch.cjs grade --solutions (all three)',
    measure: () => duration(node, [...LAUNCH, '--solutions']),
  },
  {
    name: 'npm run grade -- --solutions (all three)',
    measure: () => duration('npm', ['run', 'grade', '--', '--solutions']),
  },
];
const times = new Map<string, number[]>();
/** Measures each of these in turn, several times. */
async function measureInTurns(): Promise<void> {
  for (let run = 0; run < RUNS; run++) {
    for (const { name, measure } of measured) {
      times.set(name, [...(times.get(name) ?? []), await measure()]);
    }
  }
}

// First without the watches: each of them keeps a dozen processes ready, which is work for the machine.
await measureInTurns();
measured.length = 0;

const exercises = readExercises();
const watches = exercises.map(({ name, solution, fileName }) => ({
  name: `${name}: from a save to its verdict`,
  watch: Watch.onCopy(name, solution, fileName),
}));
const [first] = exercises;
if (first) {
  watches.push({ name: 'work mode: from a save to its verdict', watch: Watch.onWork(first) });
}
for (const { name, watch } of watches) {
  await watch.says(/Watching/);
  measured.push({ name, measure: () => watch.save() });
}
await measureInTurns();

const median = (name: string) => {
  const sorted = times.get(name)?.toSorted((a, b) => a - b) ?? [];
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};
console.log(`\n${RUNS} runs each, medians, and how many times an empty test that is`);
console.log(`\n${''.padEnd(57)}  to node  to npx`);
for (const name of times.keys()) {
  const milliseconds = median(name);
  const ratios = [FLOOR, TYPED_FLOOR].map((floor) => (milliseconds / median(floor)).toFixed(2));
  const [toNode = '', toNpx = ''] = ratios;
  console.log(
    `${name.padEnd(48)} ${milliseconds.toFixed(0).padStart(5)} ms  ${toNode.padStart(7)} ${toNpx.padStart(7)}`,
  );
}
await Promise.all(watches.map(({ watch }) => watch.stop()));
rmSync(folder, { recursive: true, force: true });
