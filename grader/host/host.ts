// A worker: a process of its own that has loaded a submission, and calls it when it is told to.
//
// The submission shares this process, and this realm, and may do to both what it likes. So nothing that is said here is a verdict. Who
// speaks to the supervisor is the witness, in a realm that the submission does not reach (witness.ts): it keeps the time, and the key
// without which nobody is heard. What it needs of this realm is taken hold of here, before the submission is loaded.
import crypto from 'node:crypto';
import { Socket } from 'node:net';
import { inspect, types } from 'node:util';
import * as ioredis from 'ioredis';
import { Redis, ReplyError } from 'ioredis';
import { CHANNEL_FD, type Problem, SHARED_REDIS } from '../messages.ts';
import { removeInstruments } from './instruments.ts';
import { asCopy, describeExport, problemOf } from './plain.ts';
import { hasSignal, Signals } from './signals.ts';
import { decodeArguments, decodeOutcome, encode } from './values.ts';
import type { Outside, Witness } from './witness.ts';

const BLOCKED_AFTER_MS = 100;

// What a module of Node exports can be changed by whoever imports it, and so can what is on a prototype: these are ours.
const { hash } = crypto;
const { isPromise } = types;
const { apply } = Reflect;
const OurPromise = Promise;
const { then } = Promise.prototype;
const { exit } = process;
const { clearTimeout } = globalThis;
const race = Promise.race.bind(Promise);
const activeResources = process.getActiveResourcesInfo.bind(process);
const now = performance.now.bind(performance);

Object.assign(globalThis, { [Symbol.for(SHARED_REDIS)]: ioredis });

/** `import()`, and what speaks for this process, from where the host is started (start-host.cjs). */
declare const importModule: (url: string) => Promise<Record<string, unknown>>;
declare const bearWitness: (outside: Outside) => Witness;

let submission: Record<string, unknown> = {};
let client: Redis | undefined;
let signals = new Signals();
/** How many calls with a signal have not returned yet. */
let loops = 0;
/** How many listeners the connection had before the submission saw it, by event. */
let listenersBefore = new Map<string, number>();

const channel = new Socket({ fd: CHANNEL_FD });
channel.setEncoding('utf8');
const write = channel.write.bind(channel);
const PIPES = pipes();

const witness = bearWitness({
  digest: (text) => hash('sha256', text, 'hex'),
  write,
  setTimeout,
  clearTimeout,
  now,
  stillActive,
  load: (url, done) => void load(url).then(done),
  connect: (url, name, done) => void connect(url, name).then(done),
  call: callSubmission,
  abort: (signal) => signals.abort(signal),
  pingRedis: (text, done) => {
    const failed = (error: unknown) => done(encode(failure(problemOf(error))));
    if (client) client.ping(text).then((reply) => done(success(reply)), failed);
    else failed('no connection');
  },
  oneMoreTurn: (done) => void oneMoreTurn().then(done),
  letGo: (done) => void letGo().then(done),
});
const { hear, callback, trouble } = witness;
channel.on('data', (chunk) => hear(String(chunk)));
channel.on('close', () => exit(1));

async function load(url: string): Promise<string> {
  try {
    submission = await importModule(url);
    return encode({ ok: true, value: Object.keys(submission) });
  } catch (error) {
    const { message, stack } = problemOf(error);
    return encode({ ok: false, problem: { kind: 'cannot load', message, stack } });
  }
}

/** Resolves to what went wrong, or to nothing. */
async function connect(url: string, name: string): Promise<string> {
  signals = new Signals();
  loops = 0;
  client = new Redis(url, {
    connectionName: name,
    enableReadyCheck: false,
    disableClientInfo: true,
  });
  // What the server refuses shows in the calls; without a listener ioredis would print it.
  client.on('error', () => {});
  try {
    await client.ping();
  } catch (error) {
    return problemOf(error).message;
  }
  listenersBefore = countListeners(client);
  return '';
}

function callSubmission(
  name: string,
  encoded: string,
  returned: () => void,
  done: (outcome: string) => void,
): void {
  const wanted = submission[name];
  const redis = client;
  const args = decodeArguments(encoded);
  const isLoop = hasSignal(args);
  const isOver = () => {
    if (isLoop) loops--;
    returned();
  };
  const failed = (error: unknown) => {
    isOver();
    void closedClient(redis).then((closed) => done(encode(failure(closed ?? problemOf(error)))));
  };
  if (typeof wanted !== 'function') {
    returned();
    done(encode(failure({ kind: 'no function', name, found: describeExport(wanted) })));
    return;
  }
  if (isLoop) loops++;
  try {
    const given = signals.given(args).map(withCallbacks);
    const result: unknown = apply(wanted, undefined, [redis, ...given]);
    whenSettled(
      result,
      (value) => {
        isOver();
        // Of a loop, this is a part of stopping. Of other calls, it shows in the next, or in the end.
        const looks = isLoop ? leftBehind(redis) : OurPromise.resolve(undefined);
        void looks.then((problem) => done(problem ? encode(failure(problem)) : success(value)));
      },
      failed,
    );
  } catch (error) {
    failed(error);
  }
}

/** Waits for the very promise that a function has returned, by no other `then` than the one that was there before it. */
function whenSettled(
  result: unknown,
  succeeded: (value: unknown) => void,
  failed: (error: unknown) => void,
): void {
  const promise = isPromise(result) ? result : new OurPromise((resolve) => resolve(result));
  apply(then, promise, [succeeded, failed]);
}

function failure(problem: Problem): { ok: false; problem: Problem } {
  return { ok: false, problem };
}

/** The value itself when it can travel, else a description of it. */
function success(value: unknown): string {
  try {
    return encode({ ok: true, value });
  } catch {
    return encode({ ok: true, value: asCopy(value) });
  }
}

/** What a loop has done to the connection of its caller. */
async function leftBehind(redis: Redis | undefined): Promise<Problem | undefined> {
  const closed = await closedClient(redis);
  // Other loops on the same connection may have listeners of theirs.
  if (closed || !redis || loops > 0) return closed;
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

/** Closes the connection; one that the submission has closed is told first. */
async function letGo(): Promise<void> {
  const problem = signals.hadLoops ? undefined : await closedClient(client);
  if (problem) await new Promise<void>((resolve) => trouble(encode(problem), resolve));
  client?.disconnect();
  client = undefined;
  submission = {};
}

/** Puts functions in the place of the references that stand for them. */
function withCallbacks(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('$callback' in value)) return value;
  const id = Number(value.$callback);
  const atOnce: unknown = 'throwsAtOnceFor' in value ? value.throwsAtOnceFor : undefined;
  return (...args: unknown[]) => {
    const outcome = new Promise<string>((resolve) => {
      callback(id, encode(args.map(asCopy)), resolve);
    });
    if (Array.isArray(atOnce) && atOnce.includes(args[1])) {
      throw new Error('it failed at once (a part of the check)');
    }
    return outcome.then(settle);
  };
}

/** What a callback has returned; fails as it has failed. */
function settle(encoded: string): unknown {
  const outcome = decodeOutcome(encoded);
  if (outcome.ok) return outcome.value;
  const message = 'message' in outcome.problem ? outcome.problem.message : 'it failed';
  if (outcome.how === 'with nothing') throw undefined;
  if (outcome.how === 'with an error of Redis') throw new ReplyError(message);
  throw new Error(message);
}

/** What keeps this process alive, apart from the pipes to its supervisor, with commas between. */
function stillActive(): string {
  const left = activeResources().filter(
    (name) => !/^(PipeWrap|Immediate|FSReqPromise|WriteWrap|ShutdownWrap)$/.test(name),
  );
  return [...left, ...(pipes() > PIPES ? ['PipeWrap'] : [])].join();
}

/** In a sandbox, Redis comes in through one of these. */
function pipes(): number {
  return activeResources().filter((name) => name === 'PipeWrap').length;
}

function reportUncaught(error: unknown, origin: string): void {
  const { message, stack } = problemOf(error);
  const what = origin === 'unhandledRejection' ? 'a rejected promise' : 'an error';
  const problem: Problem = { kind: 'uncaught', what, message, stack };
  console.error(inspect(error));
  // As without a grader: what nobody catches is the end of the process.
  trouble(encode(problem), () => exit(1));
}
process.on('uncaughtException', reportUncaught);
removeInstruments();
