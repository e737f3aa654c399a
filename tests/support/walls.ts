import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Sandbox } from '../../grader/classroom/isolation/sandbox.ts';
import type { Bench, CommandResult } from './workbook.ts';

const probe = mkdtempSync(join(tmpdir(), 'sandbox-probe-'));
const sandbox = await Sandbox.open(probe);
rmSync(probe, { recursive: true });

/** The walls behind which the same attacks are tried, and why one cannot be had here. */
export const BEHIND: readonly { readonly wall: 'sandbox' | 'user'; readonly missing?: string }[] = [
  { wall: 'sandbox', missing: sandbox instanceof Sandbox ? undefined : sandbox.reason },
  { wall: 'user', missing: process.getuid?.() === 0 ? undefined : 'the tests do not run as root' },
];

/** Begins a submission: what is tried is printed, with what came of it. */
const PREAMBLE = `import * as fs from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
const tried = (name: string, action: () => unknown) => {
  try {
    console.log(name, 'yes', JSON.stringify(action()) ?? '');
  } catch (error) {
    console.log(name, 'no', (error as Error).message);
  }
};
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
let isFirst = true;
`;

/** A submission whose `publishOrder` does this, once. */
export function doing(code: string): string {
  return `${PREAMBLE}
export async function publishOrder() {
  if (!isFirst) return 'not an id';
  isFirst = false;
${code}
  return 'not an id';
}
`;
}

/** Writes a class: the text of `orders.ts` by student. */
export function writeClass(bench: Bench, students: Record<string, string>): string {
  // Root's temporary files usually lie where everybody can go.
  chmodSync(bench.folder, 0o711);
  const folder = join(bench.folder, 'class');
  for (const [student, text] of Object.entries(students)) {
    const file = join(folder, student, 'orders.ts');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return folder;
}

/** Grades a class on the orders alone, one student after the other; `of` tells how one came out. */
export async function gradeBehind(
  bench: Bench,
  wall: string,
  students: Record<string, string>,
  ...more: string[]
): Promise<CommandResult & { of: (student: string) => Outcome }> {
  const folder = writeClass(bench, students);
  const out = join(bench.folder, 'out');
  const args = ['--class', folder, '--out', out, '--jobs', '1', '--walls', wall, ...more];
  const result = await bench.run('grade', 'orders', ...args);
  return { ...result, of: (student) => outcomeOf(out, student) };
}

export interface Outcome {
  readonly points: number;
  /** What became of requirement 1. */
  readonly happened: string;
  readonly printed: string;
}

function outcomeOf(out: string, student: string): Outcome {
  const record = JSON.parse(readFileSync(join(out, 'students', `${student}.json`), 'utf8'));
  const [orders] = record.exercises;
  const { verdict } = orders.results[0];
  const printed = (verdict.printed ?? []).map(({ text }: { text: string }) => text).join('\n');
  return { points: orders.points, happened: verdict.happened ?? '', printed };
}

/** The command lines of all processes, of whatever user, that have these words in them. */
export function processesWith(words: string): string[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const line = readFileSync(`/proc/${Number(name)}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return line.includes(words) ? [line] : [];
    } catch {
      return [];
    }
  });
}
