import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { createBirpc } from 'birpc';
import { ROOT } from '../../system/paths.ts';
import { guard } from '../../system/process/guardian.ts';
import { killGroup } from '../../system/process/run-program.ts';
import { temporaryFolder } from '../../system/process/temporary-folder.ts';
import type { RequirementResult } from '../result.ts';
import {
  type FileResult,
  type GradingTask,
  lineChannel,
  type WorkerEvents,
  type WorkerFunctions,
} from './class-messages.ts';
import type { ClassSubmission } from './find-submission.ts';
import { copyOwnFiles } from './own-files.ts';

/** Below the workbook's folder: in a container, that is another one. */
const WORKER = 'grader/classroom/launch-worker.cjs';

/** How a task came out: all of it, or what had been settled when it was stopped. */
export interface Graded {
  readonly results: readonly FileResult[];
  readonly stopped?: string;
}

/** How a worker is started that finds submissions in this folder: in the workbook's own, as `node` with these arguments. */
export type Launch = (
  folder: string,
  args: readonly string[],
) => {
  readonly command: string;
  readonly args: readonly string[];
  /** What it calls a path below that folder. */
  readonly pathInside: (...parts: string[]) => string;
  /** Ends what does not end with the process that was started. */
  readonly end: () => Promise<void>;
};

/** A process that grades one student after the other. What one submission does to it, the next never sees. */
export class GradingProcess {
  readonly #folder = temporaryFolder('redis-streams-submissions-');
  readonly #launched: ReturnType<Launch>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #rpc: ReturnType<typeof createBirpc<WorkerFunctions, WorkerEvents>>;
  readonly #ended: Promise<unknown>;
  #settled = new Map<string, RequirementResult[]>();
  #printed = '';
  /** How many tasks it has taken. */
  tasks = 0;
  alive = true;

  /** @param atOnce how many requirements it checks at a time */
  constructor(launch: Launch, atOnce: number) {
    this.#launched = launch(this.#folder.path, [WORKER, String(atOnce)]);
    this.#child = spawn(this.#launched.command, this.#launched.args, {
      cwd: ROOT,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    guard(this.#child);
    const { stdin, stdout, stderr } = this.#child;
    const note = (text: string) => {
      this.#printed = (this.#printed + text).slice(-2000);
    };
    stderr.on('data', (chunk: Buffer) => note(chunk.toString()));
    this.#rpc = createBirpc<WorkerFunctions, WorkerEvents>(
      {
        settled: (exercise, result) => {
          this.#settled.set(exercise, [...(this.#settled.get(exercise) ?? []), result]);
        },
      },
      { ...lineChannel(stdout, stdin, (line) => note(`${line}\n`)), timeout: -1 },
    );
    this.#ended = Promise.race([once(this.#child, 'exit'), once(this.#child, 'error')]).then(() => {
      this.alive = false;
      this.#rpc.$close();
      this.#folder.remove();
    });
  }

  /**
   * Grades a copy of one student's files, for so long at most.
   *
   * @param only the one requirement that is graded, by its id
   */
  async grade(
    files: ClassSubmission['files'],
    seed: number,
    limitMs: number,
    only?: string,
  ): Promise<Graded> {
    const task = String(++this.tasks);
    const copies: Record<string, string> = {};
    if (Object.keys(files).length === 0) return { results: [] };
    try {
      for (const [exercise, file] of Object.entries(files)) {
        const name = `${exercise}.ts`;
        copyOwnFiles(file, join(this.#folder.path, task, exercise), name);
        copies[exercise] = this.#launched.pathInside(task, exercise, name);
      }
      return await this.#take({ files: copies, seed, only }, limitMs);
    } finally {
      rmSync(join(this.#folder.path, task), { recursive: true, force: true });
    }
  }

  async #take(task: GradingTask, limitMs: number): Promise<Graded> {
    this.#settled = new Map();
    let tooLate: NodeJS.Timeout | undefined;
    const limit = new Promise<string>((resolve) => {
      tooLate = setTimeout(() => resolve(`it took longer than ${limitMs / 1000} seconds`), limitMs);
    });
    const ended = this.#ended.then(
      () => `the grader has ended: ${this.#printed.trim() || 'it said nothing'}`,
    );
    const outcome = await Promise.race([this.#rpc.grade(task).catch(() => ended), limit, ended]);
    clearTimeout(tooLate);
    if (typeof outcome !== 'string') return { results: outcome };
    const settled = [...this.#settled];
    await this.kill();
    const results = settled.map(([exercise, results]) => ({ exercise, results, typeProblems: [] }));
    return { results, stopped: outcome };
  }

  /** Lets it tidy up and go. */
  async stop(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }

  async kill(): Promise<void> {
    killGroup(this.#child.pid);
    await Promise.all([this.#ended, this.#launched.end()]);
  }
}
