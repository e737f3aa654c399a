// A worker: a process of its own that has loaded a submission, and calls it when it is told to.
//
// The submission shares this process, and may do to it what it likes. So everything that the host needs
// later is taken hold of here, before the submission is loaded; nothing that is said here is a verdict;
// and the supervisor outside holds the clock and the kill switch.
import { inspect } from 'node:util';
import { createBirpc } from 'birpc';
import * as ioredis from 'ioredis';
import { Redis, ReplyError } from 'ioredis';
import {
  type CallResult,
  type HostEvents,
  type HostFunctions,
  type Problem,
  SHARED_REDIS,
} from '../messages.ts';
import { asCopy, describeExport, problemOf } from './plain.ts';
import { hasSignal, Signals } from './signals.ts';

const REST_PATIENCE_MS = 250;
const REST_LOOK_MS = 4;
const BLOCKED_AFTER_MS = 100;

const { exit } = process;
const { clearTimeout } = globalThis;
const race = Promise.race.bind(Promise);
const activeResources = process.getActiveResourcesInfo.bind(process);
const send = process.send?.bind(process);
if (!send) throw new Error('a host is started by the supervisor');
// What the submission cannot find, it cannot use by mistake.
delete process.send;

Object.assign(globalThis, { [Symbol.for(SHARED_REDIS)]: ioredis });

/** `import()`, from where the host is started (start-host.cjs). */
declare const importModule: (url: string) => Promise<Record<string, unknown>>;

let submission: Record<string, unknown> = {};
let client: Redis | undefined;
let signals = new Signals();
/** How many listeners the connection had before the submission saw it, by event. */
let listenersBefore = new Map<string, number>();

const functions: HostFunctions = {
  async load(path) {
    try {
      submission = await importModule(path);
      return { ok: true, value: Object.keys(submission) };
    } catch (error) {
      const { message, stack } = problemOf(error);
      return { ok: false, problem: { kind: 'cannot load', message, stack } };
    }
  },

  async connect(url, name) {
    signals = new Signals();
    client = new Redis(url, {
      connectionName: name,
      enableReadyCheck: false,
      disableClientInfo: true,
    });
    // What the server refuses shows in the calls; without a listener ioredis would print it.
    client.on('error', () => {});
    await client.ping();
    listenersBefore = countListeners(client);
  },

  call: (name, args) => callSubmission(name, args),

  async abort(signal, limitMs) {
    let limit: ReturnType<typeof setTimeout> | undefined;
    const tooLate = new Promise<boolean>((resolve) => {
      // On a busy machine timers and replies are late for everybody: one more turn for both.
      limit = setTimeout(() => void oneMoreTurn().then(() => resolve(false)), limitMs);
    });
    const inTime = await race([signals.abort(signal).then(() => true), tooLate]);
    clearTimeout(limit);
    return inTime;
  },

  async ping() {},

  pingRedis: async (text) => client?.ping(text),

  async rest() {
    const problem = signals.hadLoops ? undefined : await closedClient(client);
    if (problem) await supervisor.trouble(problem);
    client?.disconnect();
    client = undefined;
    submission = {};
    // What a submission leaves behind may still throw; and a socket takes a moment to close.
    const deadline = performance.now() + REST_PATIENCE_MS;
    let left = stillActive();
    while (left.length > 0 && performance.now() < deadline) {
      await new Promise<void>((resolve) => setTimeout(resolve, REST_LOOK_MS));
      left = stillActive();
    }
    return left;
  },
};

// The first message is the password. No submission is there yet to hear it.
let password: unknown;
const supervisor = createBirpc<HostEvents, HostFunctions>(functions, {
  post: (message) => send({ password, message }),
  on: (listener) => {
    process.once('message', (first: { password: unknown }) => {
      password = first.password;
      process.on('message', listener);
    });
  },
  timeout: -1,
});

async function callSubmission(name: string, args: unknown[]): Promise<CallResult> {
  const wanted = submission[name];
  if (typeof wanted !== 'function') {
    return { ok: false, problem: { kind: 'no function', name, found: describeExport(wanted) } };
  }
  const redis = client;
  try {
    const value = await signals.during(args, (given) =>
      Reflect.apply(wanted, undefined, [redis, ...given.map(withCallbacks)]),
    );
    // Of a loop, this is a part of stopping. Of other calls, it shows in the next, or in the end.
    const problem = hasSignal(args) ? await leftBehind(redis) : undefined;
    return problem ? { ok: false, problem } : { ok: true, value: asCopy(value) };
  } catch (error) {
    return { ok: false, problem: (await closedClient(redis)) ?? problemOf(error) };
  }
}

/** What a loop has done to the connection of its caller. */
async function leftBehind(redis: Redis | undefined): Promise<Problem | undefined> {
  const closed = await closedClient(redis);
  // Other loops on the same connection may have listeners of theirs.
  if (closed || !redis || signals.running > 0) return closed;
  const events = [...countListeners(redis)]
    .filter(([event, count]) => count > (listenersBefore.get(event) ?? 0))
    .map(([event]) => event);
  return events.length > 0 ? { kind: 'listeners left', events } : undefined;
}

function countListeners(redis: Redis): Map<string, number> {
  return new Map(redis.eventNames().map((event) => [String(event), redis.listenerCount(event)]));
}

/** What is wrong when a connection takes no commands any more. After a quit() its status says so only later. */
async function closedClient(redis: Redis | undefined): Promise<Problem | undefined> {
  if (!redis) return undefined;
  // It may be blocked in a read, which is not our business here.
  const blocked = new Promise<undefined>((resolve) => {
    setTimeout(() => resolve(undefined), BLOCKED_AFTER_MS);
  });
  const closed: Problem = { kind: 'closed client' };
  const answer = redis.ping().then(
    () => undefined,
    () => closed,
  );
  return race([answer, blocked]);
}

/** A reply from the server, on a connection that nothing blocks. */
async function oneMoreTurn(): Promise<void> {
  const fresh = client?.duplicate();
  await fresh?.ping().catch(() => {});
  fresh?.disconnect();
}

/** Puts functions in the place of the references that stand for them. */
function withCallbacks(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('$callback' in value)) return value;
  const id = Number(value.$callback);
  const atOnce: unknown = 'throwsAtOnceFor' in value ? value.throwsAtOnceFor : undefined;
  return (...args: unknown[]) => {
    const outcome = supervisor.callback(id, args.map(asCopy));
    if (Array.isArray(atOnce) && atOnce.includes(args[1])) {
      void outcome.catch(() => {});
      throw new Error('it failed at once (a part of the check)');
    }
    return outcome.then(settle);
  };
}

/** What a callback has returned; fails as it has failed. */
function settle(outcome: CallResult): unknown {
  if (outcome.ok) return outcome.value;
  const message = 'message' in outcome.problem ? outcome.problem.message : 'it failed';
  if (outcome.how === 'with nothing') throw undefined;
  if (outcome.how === 'with an error of Redis') throw new ReplyError(message);
  throw new Error(message);
}

/** What keeps this process alive, apart from the pipes to its supervisor. */
function stillActive(): string[] {
  return activeResources().filter((name) => !/^(PipeWrap|Immediate|FSReqPromise)$/.test(name));
}

function reportUncaught(error: unknown, origin: string): void {
  const { message, stack } = problemOf(error);
  const what = origin === 'unhandledRejection' ? 'a rejected promise' : 'an error';
  const problem: Problem = { kind: 'uncaught', what, message, stack };
  console.error(inspect(error));
  // As without a grader: what nobody catches is the end of the process.
  void supervisor.trouble(problem).finally(() => exit(1));
}
process.on('uncaughtException', reportUncaught);
