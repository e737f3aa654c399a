import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { findExercise } from '../../grader/exercises.ts';
import { ROOT } from './workbook.ts';

/** One requirement, as `--json` tells it. */
export interface Graded {
  readonly id: string;
  readonly status: string;
  readonly points: number;
  readonly expected?: string;
  readonly happened?: string;
  readonly frame?: string;
  readonly commands?: readonly string[];
  readonly printed?: readonly { readonly worker: string; readonly text: string }[];
}

/** A submission as a test writes it. */
export interface Submission {
  readonly name: string;
  readonly code: string;
  /** The ids of the requirements to check; all, if it is not said. */
  readonly only?: readonly string[];
}

const LEAVING_MS = 10_000;

export interface Batch {
  /** The requirements of each submission, by its name. */
  readonly results: ReadonlyMap<string, readonly Graded[]>;
  readonly seconds: number;
  /** The command lines of processes that were still there afterwards. */
  readonly survivors: readonly string[];
}

/** Grades many submissions of an exercise in one run of the grader. */
export async function gradeAll(
  exercise: string,
  fileName: string,
  submissions: readonly Submission[],
): Promise<Batch> {
  const folder = mkdtempSync(join(tmpdir(), 'workbook-batch-'));
  const mark = randomUUID();
  const started = performance.now();
  try {
    const ids = findExercise(exercise).requirements.map(({ id }) => id);
    const jobs = submissions.map(({ code, only = ids }, index) => {
      const own = join(folder, String(index));
      mkdirSync(own);
      const file = join(own, fileName);
      writeFileSync(file, code);
      const wanted = ids.flatMap((id, at) => (only.includes(id) ? [at + 1] : []));
      return { file, wanted };
    });
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', join('tests', 'support', 'grade-batch.ts')],
      {
        cwd: ROOT,
        env: { ...process.env, TMPDIR: folder, WORKBOOK_TEST_MARK: mark },
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    const exit = once(child, 'exit');
    child.stdin.end(JSON.stringify({ exercise, jobs }));
    const report = JSON.parse(await text(child.stdout));
    await exit;
    const graded: { requirements: Graded[] }[] = report.exercises;
    const results = new Map(
      submissions.map(({ name }, index) => [name, graded[index]?.requirements ?? []]),
    );
    const seconds = (performance.now() - started) / 1000;
    // A helper process notices a moment later that its parent is gone.
    const deadline = Date.now() + LEAVING_MS;
    while (marked(mark).length > 0 && Date.now() < deadline) await sleep(20);
    return { results, seconds, survivors: marked(mark) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The ids of the requirements that did not pass. */
export function failed(results: readonly Graded[] | undefined): string[] {
  return (results ?? []).filter(({ status }) => status !== 'passed').map(({ id }) => id);
}

function marked(mark: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark)) return [];
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return line ? [line] : [];
      } catch {
        return []; // It ended while we were looking.
      }
    });
}
