import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { shownPath } from '../system/paths.ts';
import type { Lifetime } from '../system/process/lifetime.ts';
import { removeFolder, temporaryFolder } from '../system/process/temporary-folder.ts';
import { errorCode, errorMessage, fileSystemTrouble } from '../system/process/user-error.ts';
import { findOrFetchRedis } from '../system/redis/fetch-redis.ts';
import type { Exercise } from './exercises.ts';
import type { Assignment, Problem } from './messages.ts';
import type { NumberedRequirement, Verdict } from './requirement.ts';
import type { ExerciseResult, RequirementResult } from './result.ts';
import { hostArguments, specBundle } from './supervisor/bundle.ts';
import { SubmissionCompiler } from './supervisor/compilers.ts';
import { HostPool } from './supervisor/host-pool.ts';
import type { Isolation } from './supervisor/isolation.ts';
import { watchMemory } from './supervisor/memory-watch.ts';
import { copyForItsProcesses } from './supervisor/own-copy.ts';
import { Servers } from './supervisor/servers.ts';
import { type Reported, type RunSpecs, startVitest } from './supervisor/spec-runner.ts';
import { Supervisor } from './supervisor/supervisor.ts';
import { checkTypes } from './supervisor/type-check.ts';

/** How many requirements are checked at a time: they wait more than they work. */
export const AT_ONCE = 5;
const PREPARED_AT_ONCE = 3;
const WARM_SERVERS = 3;
const WARM_HOSTS = 3;
/** Between two gradings there is time to start all the processes that the next one will need. */
const WAITING_HOSTS = 12;

/** What is to be graded. */
export interface Job {
  readonly exercise: Exercise;
  /** The learner's file, or any other that claims to be one. */
  readonly file: string;
  /** The requirements to check. */
  readonly wanted: readonly NumberedRequirement[];
}

/** A job with a folder of its own. */
interface Placed extends Job {
  readonly folder: string;
  /** The submission as compilers read it: where it lies, or a copy that they can see. */
  readonly source: string;
}

interface Prepared extends Placed {
  readonly supervisor: Supervisor;
  readonly assignment: Assignment;
  /** What came of the requirements, by their ids. */
  readonly reports: Map<string, Reported>;
}

export interface SessionOptions {
  /** How many requirements are checked at a time. */
  readonly atOnce?: number;
  /** How submissions are kept from the rest of the machine; `folder` is all that they need to read. */
  readonly isolate?: (folder: string) => Promise<Isolation | undefined>;
}

/** A grader that is ready to grade: Redis, processes and vitest stay up from one job to the next. */
export class Session {
  readonly #servers: Servers;
  readonly #hosts: HostPool;
  readonly #runSpecs: RunSpecs;
  readonly #compiler: SubmissionCompiler;
  readonly #isolation: Isolation | undefined;
  readonly #folder: string;
  readonly #atOnce: number;
  readonly #stopWatching: () => void;
  #count = 0;

  private constructor(
    servers: Servers,
    hosts: HostPool,
    runSpecs: RunSpecs,
    folder: string,
    atOnce: number,
    isolation: Isolation | undefined,
  ) {
    this.#isolation = isolation;
    this.#atOnce = atOnce;
    this.#compiler = new SubmissionCompiler(folder, isolation);
    this.#servers = servers;
    this.#hosts = hosts;
    this.#runSpecs = runSpecs;
    this.#folder = folder;
    this.#stopWatching = watchMemory(hosts, isolation);
  }

  /**
   * Starts everything that takes time, all at once.
   *
   * @throws UserError when no Redis can be had, or there is no room for temporary files
   */
  static async open(
    lifetime: Lifetime,
    { atOnce = AT_ONCE, isolate }: SessionOptions = {},
  ): Promise<Session> {
    // Whatever happens on the way: what has been started and written by then goes too.
    const { path: folder } = temporaryFolder('redis-streams-grade-');
    const isolation = await isolate?.(folder);
    const hosts = new HostPool(hostArguments(folder), folder, isolation);
    hosts.warm(WARM_HOSTS);
    const starting = startVitest(specBundle(folder), atOnce);
    const servers = new Servers(
      await findOrFetchRedis(lifetime.signal),
      isolation && !isolation.hasNetwork ? folder : undefined,
    );
    servers.warm(WARM_SERVERS);
    const session = new Session(servers, hosts, await starting, folder, atOnce, isolation);
    lifetime.atEnd(() => session.close());
    return session;
  }

  /** Grades these submissions, side by side; `onResult` hears of each result at once. They are returned in the order of the jobs. */
  async grade(
    jobs: readonly Job[],
    seed: number,
    onResult: (job: Job, result: RequirementResult) => void = () => {},
  ): Promise<ExerciseResult[]> {
    const outcomes = new Map<Job, Prepared | { problem: Problem }>();
    const placed = jobs.map((job) => ({ job, place: this.#place(job) }));
    const sources = placed.flatMap(({ place }) => ('source' in place ? [place.source] : []));
    // One's own is looked at while it is compiled. A stranger's may be made to break compilers, and has broken one by then.
    const ownTypes = this.#isolation ? undefined : this.#checkTypes(sources);
    const waiting = [...placed];
    const prepareNext = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const { job, place } = next;
        outcomes.set(job, 'problem' in place ? place : await this.#prepare(place, seed));
      }
    };
    await Promise.all(Array.from({ length: PREPARED_AT_ONCE }, prepareNext));
    const prepared = [...outcomes.values()].filter((outcome) => 'supervisor' in outcome);
    const compiled = sources.filter((source) => this.#compiler.hasCompiled(source));
    const typeChecks = ownTypes ?? this.#checkTypes(compiled);

    try {
      await this.#runSpecs(
        prepared.map(({ assignment }) => assignment),
        (assignment, id, reported) => {
          const job = prepared.find((one) => one.assignment === assignment);
          const requirement = job?.wanted.find((one) => one.id === id);
          if (!job || !requirement) return;
          job.reports.set(id, reported);
          onResult(job, resultOf(requirement, reported));
        },
      );
    } finally {
      this.#servers.takeBack();
      await Promise.all(prepared.map(({ supervisor }) => supervisor.close()));
    }
    const types = await typeChecks;
    // Nobody's code is there for the next one to read.
    for (const { place } of placed) {
      if ('folder' in place) rmSync(place.folder, { recursive: true, force: true });
    }
    return jobs.map((job) => {
      const outcome = outcomes.get(job);
      const { exercise, file, wanted } = job;
      const place = placed.find((one) => one.job === job)?.place;
      const typeProblems = place && 'source' in place ? types.get(place.source) : undefined;
      const results = wanted.map((requirement) =>
        outcome && 'problem' in outcome
          ? { requirement, verdict: cannotLoad(outcome.problem), milliseconds: 0 }
          : resultOf(requirement, outcome?.reports.get(requirement.id)),
      );
      return { exercise, file, results, typeProblems: typeProblems ?? [] };
    });
  }

  /** Gets ready for the next job, while nobody is waiting. One requirement takes a few processes, all take many. */
  async warmUp(hosts = WAITING_HOSTS): Promise<void> {
    // The next submission begins in processes that have seen none before.
    await this.#hosts.retire();
    this.#servers.warm(this.#atOnce);
    this.#hosts.warm(hosts);
    await this.#hosts.ready();
  }

  /** Ends and removes what a submission has left behind, before there is another. */
  async sweep(): Promise<void> {
    if (!this.#isolation?.sweep) return;
    // What has been left may have had a hand in those that wait for the next one: they belong to the same user.
    await this.#hosts.retire({ waiting: true });
    await this.#isolation.sweep();
  }

  async close(): Promise<void> {
    this.#stopWatching();
    // Vitest is not waited for: its thread ends with this process.
    await Promise.all([this.#hosts.stop(), this.#servers.stop()]);
    // The guardian still knows of it: whatever works in there has to end too. A grading that was cut short may be writing still.
    removeFolder(this.#folder);
  }

  #checkTypes(files: readonly string[]): ReturnType<typeof checkTypes> {
    const checking = checkTypes(files, this.#folder, this.#isolation);
    // Whoever waits for them hears of the error.
    checking.catch(() => {});
    return checking;
  }

  /** Gives a submission a folder of its own. */
  #place(job: Job): Placed | { problem: Problem } {
    const trouble = whyUnreadable(job);
    if (trouble) return { problem: { kind: 'cannot load', message: trouble, stack: '' } };
    const folder = mkdtempSync(join(this.#folder, 'submission-'));
    // Its processes may be another user's; nobody else gets into the folder around it.
    chmodSync(folder, 0o755);
    const { file } = job;
    const source = this.#isolation ? copyForItsProcesses(file, join(folder, 'source')) : file;
    return { ...job, folder, source };
  }

  async #prepare(job: Placed, seed: number): Promise<Prepared | { problem: Problem }> {
    const { source, folder } = job;
    const bundle = await this.#compiler.compile(source, folder);
    if ('problem' in bundle) return bundle;
    const channel = `grader-${process.pid}-${++this.#count}`;
    const supervisor = new Supervisor(this.#hosts, this.#servers, bundle.path, channel);
    const problem = await supervisor.tryToLoad();
    if (problem) {
      await supervisor.close();
      return { problem };
    }
    const wanted = job.wanted.map(({ number }) => number);
    const assignment = { folder: job.exercise.folder, channel, seed, wanted };
    return { ...job, supervisor, assignment, reports: new Map() };
  }
}

function resultOf(
  requirement: NumberedRequirement,
  reported: Reported | undefined,
): RequirementResult {
  const milliseconds = reported?.milliseconds ?? 0;
  return { requirement, verdict: verdictOf(reported), milliseconds };
}

/** Nothing passes by default: what was not reported as passed, with a verdict that says so too, has failed. */
function verdictOf(report: Reported | undefined): Verdict {
  const { passed = false, verdict, trouble = 'the check never ran' } = report ?? {};
  if (verdict && (passed || verdict.status !== 'passed')) return verdict;
  return {
    status: 'crashed',
    expected: 'a verdict',
    happened: `the grader has none: ${trouble}`,
  };
}

function cannotLoad(problem: Problem): Verdict {
  const happened = 'message' in problem ? problem.message : problem.kind;
  return { status: 'crashed', expected: 'a file that can be loaded', happened };
}

/** Why a file cannot be read, and what to do about it. */
function whyUnreadable({ file, exercise }: Job): string | undefined {
  try {
    readFileSync(file);
    return undefined;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') {
      return errorMessage(fileSystemTrouble(error, `read ${shownPath(file)}`));
    }
    const missing = `There is no file ${shownPath(file)}.`;
    if (file !== exercise.file) return missing;
    return `${missing}\nIf you have moved or renamed it, move it back. This brings the starter back: git restore ${shownPath(file)}`;
  }
}
