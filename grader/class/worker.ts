import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createBirpc } from 'birpc';
import { ROOT } from '../../workbook/paths.ts';
import { guard } from '../../workbook/process/guardian.ts';
import { killGroup } from '../../workbook/process/run.ts';
import type { RequirementResult } from '../result.ts';
import type { FileResult, Order, WorkerEvents, WorkerFunctions } from './wire.ts';

/** How an order came out: all of it, or what had been settled when it was stopped. */
export type Graded =
  | { readonly whole: readonly FileResult[] }
  | { readonly stopped: string; readonly settled: ReadonlyMap<string, RequirementResult[]> };

/** A process that grades one student after the other. What one submission does to it, the next never sees. */
export class Worker {
  readonly #child: ChildProcess;
  readonly #rpc: ReturnType<typeof createBirpc<WorkerFunctions, WorkerEvents>>;
  readonly #ended: Promise<unknown>;
  #settled = new Map<string, RequirementResult[]>();
  #printed = '';
  /** How many orders it has taken. */
  orders = 0;
  alive = true;

  constructor() {
    this.#child = spawn(process.execPath, [join('workbook', 'launch.cjs'), 'grade-worker'], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    guard(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#printed = (this.#printed + chunk.toString()).slice(-2000);
      });
    }
    this.#rpc = createBirpc<WorkerFunctions, WorkerEvents>(
      {
        settled: (exercise, result) => {
          this.#settled.set(exercise, [...(this.#settled.get(exercise) ?? []), result]);
        },
      },
      {
        post: (message) => {
          if (this.#child.connected) this.#child.send(message, () => {});
        },
        on: (listener) => this.#child.on('message', listener),
        timeout: -1,
      },
    );
    this.#ended = once(this.#child, 'exit').then(() => {
      this.alive = false;
      this.#rpc.$close();
    });
  }

  /** Grades one student's work, for so long at most. */
  async grade(order: Order, limitMs: number): Promise<Graded> {
    this.orders++;
    this.#settled = new Map();
    let tooLate: NodeJS.Timeout | undefined;
    const limit = new Promise<string>((resolve) => {
      tooLate = setTimeout(() => resolve(`it took longer than ${limitMs / 1000} seconds`), limitMs);
    });
    const ended = this.#ended.then(
      () => `the grader has ended: ${this.#printed.trim() || 'it said nothing'}`,
    );
    const outcome = await Promise.race([this.#rpc.grade(order).catch(() => ended), limit, ended]);
    clearTimeout(tooLate);
    if (typeof outcome !== 'string') return { whole: outcome };
    const settled = this.#settled;
    await this.kill();
    return { stopped: outcome, settled };
  }

  /** Lets it tidy up and go. */
  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#ended;
  }

  async kill(): Promise<void> {
    killGroup(this.#child.pid);
    await this.#ended;
  }
}
