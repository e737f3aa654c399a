import { BroadcastChannel } from 'node:worker_threads';
import { createBirpc } from 'birpc';
import { afterAll, test } from 'vitest';
import type { Assignment, SpecFunctions, SupervisorFunctions } from '../messages.ts';
import type { Requirement, Verdict } from '../requirement.ts';
import type {} from '../vitest-types.ts';
import type { TestServer, TestServers } from './test-server.ts';
import { Trial } from './trial.ts';
import { Unmet } from './unmet.ts';
import { explain, refusedCommands, TimeIsUp } from './verdict.ts';

/** Enough for a busy machine; what needs as long as this will not come any more. */
const TIME_LIMIT_MS = 30_000;
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
 * Makes vitest tests of an exercise's requirements. Each runs on an empty server of its own, several at a time; what
 * the submission does happens in other processes.
 */
export function gradeExercise<Submission>(
  { requirements, checks }: Spec<Submission>,
  { channel: channelName, seed, wanted }: Assignment,
  servers: TestServers,
): void {
  const channel = new BroadcastChannel(channelName);
  const trials = new Set<Trial<Submission>>();
  const trialOf = (host: number) => [...trials].find((trial) => trial.owns(host));

  const events: SpecFunctions = {
    callback: async (host, id, args) =>
      (await trialOf(host)?.callback(id, args)) ?? {
        ok: false,
        problem: { kind: 'threw', message: 'the requirement has been checked already', stack: '' },
      },
    trouble: (host, problem) => trialOf(host)?.trouble(problem),
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
    test.concurrent(requirement.id, { timeout: 4 * TIME_LIMIT_MS }, async ({ task }) => {
      const checkIt = checks[requirement.id];
      if (!checkIt) throw new Error(`the spec has no check for '${requirement.id}'`);
      const server = await servers.take(supervisor);
      const trial = new Trial<Submission>(supervisor, server, seed + number);
      trials.add(trial);
      const verdict = await judge(checkIt, trial, server, supervisor);
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
  server: TestServer,
  supervisor: SupervisorFunctions,
): Promise<Verdict> {
  let clock: NodeJS.Timeout | undefined;
  const timeIsUp = new Promise<never>((_, reject) => {
    const seconds = TIME_LIMIT_MS / 1000;
    const late = () => reject(new TimeIsUp(`to be done within ${seconds} seconds`));
    clock = setTimeout(late, TIME_LIMIT_MS);
  });
  const watchdog = watchForSilence(trial, supervisor);
  const dismissed = new Set<number>();
  const dismiss = async () => {
    const hosts = trial.workers.map(({ host }) => host).filter((host) => !dismissed.has(host));
    for (const host of hosts) dismissed.add(host);
    await Promise.all(hosts.map((host) => supervisor.dismiss(host)));
  };

  try {
    const running = check(trial);
    running.catch(() => {});
    await Promise.race([running, trial.hopeless, timeIsUp, watchdog.silence]);
    await expectNothingForbidden(server);
    // What a worker leaves behind may still fail when it comes to rest, and then it counts.
    await dismiss();
    await Promise.race([trial.hopeless, Promise.resolve()]);
    return { status: 'passed' };
  } catch (error) {
    const forbidden = await expectNothingForbidden(server).catch((refused: unknown) => refused);
    const commands = await server.recorder.commands();
    return await explain(forbidden ?? error, trial, supervisor, commands);
  } finally {
    clearTimeout(clock);
    watchdog.stop();
    await dismiss();
  }
}

async function expectNothingForbidden({ redis }: TestServer): Promise<void> {
  const [first] = await refusedCommands(redis);
  if (!first) return;
  throw new Unmet(
    'commands that read and write data, and no others',
    `it sent ${first}, which the server refused: in production others use that server too`,
  );
}

/** Rejects when a worker has not reacted for some seconds, although the check does not keep it paused. */
function watchForSilence<Submission>(
  trial: Trial<Submission>,
  supervisor: SupervisorFunctions,
): { silence: Promise<never>; stop(): void } {
  const silentFor = new Map<number, number>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const silence = new Promise<never>((_, reject) => {
    const look = async () => {
      for (const { host, gone, paused } of trial.workers) {
        const silent = !gone && !paused && !(await supervisor.answers(host));
        silentFor.set(host, silent ? (silentFor.get(host) ?? 0) + 1 : 0);
      }
      if (Math.max(0, ...silentFor.values()) >= MOST_SILENT_SECONDS) {
        reject(new TimeIsUp('every worker to react'));
      } else if (!stopped) {
        timer = setTimeout(() => void look().catch(reject), 1000);
      }
    };
    timer = setTimeout(() => void look().catch(reject), 1000);
  });
  silence.catch(() => {});
  return {
    silence,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
