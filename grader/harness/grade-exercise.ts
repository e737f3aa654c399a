import { setTimeout as sleep } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import { createBirpc } from 'birpc';
import { afterAll, describe, inject, test } from 'vitest';
import type { Assignment, SpecFunctions, SupervisorFunctions } from '../messages.ts';
import type { Requirement, Verdict } from '../requirement.ts';
import { SubmissionError } from './submission-error.ts';
import { TestServers } from './test-server.ts';
import { Trial } from './trial.ts';
import { explain, findForbidden, TimeIsUp } from './verdict.ts';

/** Enough for a busy machine; what needs as long as this will not come any more. */
const TIME_LIMIT_MS = 30_000;
const TICK_MS = 500;
const LATEST_TICK_MS = 550;
/** A worker that has not answered for so many seconds is in an endless loop. */
const MOST_SILENT_SECONDS = 4;

/** Checks one requirement: returns when it is met, throws when it is not. */
export type Check<Submission> = (trial: Trial<Submission>) => Promise<void>;

/** What the `spec.ts` of an exercise exports: a check for every requirement, by its id. */
export interface Spec<Submission> {
  readonly requirements: readonly Requirement[];
  readonly checks: Readonly<Record<string, Check<Submission>>>;
}

/**
 * Makes vitest tests of the exercises that were asked for, side by side in one thread. They wait far more than they work;
 * what works is the submission, in processes of its own.
 *
 * @param specs by the exercise's folder; a spec is written for one submission, and which one, only that spec itself knows
 */
export function runSpecs(specs: Readonly<Record<string, Spec<never>>>): void {
  const servers = new TestServers();
  afterAll(() => servers.close());

  for (const assignment of inject('assignments').toReversed()) {
    const { folder, channel } = assignment;
    const spec = specs[folder];
    if (!spec) throw new Error(`grader/${folder} has no spec.ts`);
    describe.concurrent(channel, () => gradeExercise(spec, assignment, servers));
  }
}

/** Each requirement is a test, and runs on an empty server of its own, several at a time. */
function gradeExercise<Submission>(
  { requirements, checks }: Spec<Submission>,
  { channel: channelName, seed, wanted }: Assignment,
  servers: TestServers,
): void {
  const channel = new BroadcastChannel(channelName);
  const trials = new Set<Trial<Submission>>();
  const workerOf = (host: number) =>
    [...trials].flatMap(({ workers }) => workers).find((worker) => worker.host === host);

  const events: SpecFunctions = {
    callback: async (host, id, args) =>
      (await workerOf(host)?.callback(id, args)) ?? {
        ok: false,
        problem: { kind: 'threw', message: 'the requirement has been checked already', stack: '' },
      },
    trouble: (host, problem) => workerOf(host)?.fail(new SubmissionError(problem)),
  };
  const supervisor = createBirpc<SupervisorFunctions, SpecFunctions>(events, {
    post: (message) => channel.postMessage(message),
    on: (listener) => {
      channel.onmessage = (event) => listener((event as MessageEvent).data);
    },
    timeout: -1,
  });
  afterAll(() => channel.close());

  // The last ones take longest, so they begin first: nobody has to wait for them alone at the end.
  for (const number of wanted.toSorted((a, b) => b - a)) {
    const requirement = requirements[number - 1];
    if (!requirement) continue;
    test.concurrent(requirement.id, { timeout: 10 * TIME_LIMIT_MS }, async ({ task }) => {
      const checkIt = checks[requirement.id];
      if (!checkIt) throw new Error(`the spec has no check for '${requirement.id}'`);
      const server = await servers.take(supervisor);
      const trial = new Trial<Submission>(supervisor, server, seed + number);
      trials.add(trial);
      const verdict = await judge(checkIt, trial);
      trials.delete(trial);
      await servers.giveBack(server, verdict.status === 'passed', supervisor);
      task.meta.verdict = verdict;
      if (verdict.status !== 'passed') throw new Error(`${requirement.id}: ${verdict.status}`);
    });
  }
}

async function judge<Submission>(
  check: Check<Submission>,
  trial: Trial<Submission>,
): Promise<Verdict> {
  const { supervisor, server, workers } = trial;
  const dismiss = () => Promise.all(workers.map(({ host }) => supervisor.dismiss(host)));
  const over = new AbortController();
  try {
    const late = [timeIsUp(trial, over.signal), silence(trial, over.signal)];
    await Promise.race([check(trial), trial.hopeless, ...late]);
    const forbidden = await findForbidden(server.redis);
    if (forbidden) throw forbidden;
    // What a worker leaves behind may still fail when it comes to rest, and then it counts.
    await dismiss();
    await Promise.race([trial.hopeless, Promise.resolve()]);
    await trial.expectNobodyLeft();
    return { status: 'passed' };
  } catch (error) {
    const forbidden = await findForbidden(server.redis).catch((refused: unknown) => refused);
    return await explain(forbidden ?? error, trial, await server.recorder.commands());
  } finally {
    over.abort();
    await dismiss();
  }
}

/** By a clock that goes slower while the machine is busy with others. */
async function timeIsUp<Submission>(
  { workers }: Trial<Submission>,
  over: AbortSignal,
): Promise<void> {
  for (let passed = 0; passed < TIME_LIMIT_MS; ) {
    const start = performance.now();
    await sleep(TICK_MS, undefined, { signal: over });
    await Promise.all(
      workers.filter(({ gone, paused }) => !gone && !paused).map((worker) => worker.answers()),
    );
    passed += Math.min(performance.now() - start, LATEST_TICK_MS);
  }
  throw new TimeIsUp(`to be done within ${TIME_LIMIT_MS / 1000} seconds`);
}

/** Rejects when a worker has not reacted for some seconds, although the check does not keep it paused. */
async function silence<Submission>(trial: Trial<Submission>, over: AbortSignal): Promise<void> {
  const silentFor = new Map<number, number>();
  while (Math.max(0, ...silentFor.values()) < MOST_SILENT_SECONDS) {
    await sleep(1000, undefined, { signal: over });
    for (const worker of trial.workers) {
      const silent = !worker.gone && !worker.paused && !(await worker.answers());
      silentFor.set(worker.host, silent ? (silentFor.get(worker.host) ?? 0) + 1 : 0);
    }
  }
  throw new TimeIsUp('every worker to react');
}
