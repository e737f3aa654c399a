import type { Redis } from 'ioredis';
import type { Problem } from '../messages.ts';
import type { Status, Verdict } from '../requirement.ts';
import { describeDatabase } from './describe-database.ts';
import { asLine, type Recorded } from './recorder.ts';
import { SubmissionError } from './submission-error.ts';
import type { Trial } from './trial.ts';
import { Unmet } from './unmet.ts';

const SHOWN_COMMANDS = 12;
const NOT_STARTED = /^Not implemented yet/;

/** Thrown by the clock when a requirement has taken all the time it may have. */
export class TimeIsUp extends Error {
  override readonly name = 'TimeIsUp';
}

interface Cause {
  readonly status: Status;
  readonly expected: string;
  readonly happened: string;
  readonly stack?: string;
}

/** Collects all that helps to understand why a requirement is not met, while everything is still there. */
export async function explain<Submission>(
  error: unknown,
  trial: Trial<Submission>,
  commands: readonly Recorded[],
): Promise<Verdict> {
  const cause = await causeOf(error, trial);
  const printed: { worker: string; text: string }[] = [];
  for (const { name, host } of trial.workers) {
    const text = await trial.supervisor.output(host);
    if (text.trim()) printed.push({ worker: name, text });
  }
  const frame = frameOf(cause.stack ?? '');
  return {
    status: cause.status,
    expected: cause.expected,
    happened: cause.happened,
    ...(frame ? { frame } : {}),
    commands: describeCommands(commands),
    state: await describeDatabase(trial.redis).catch(() => ['The server did not answer.']),
    printed,
  };
}

/** What is wrong when a command was sent that the submission's user may not send (ACL LOG). */
export async function findForbidden(redis: Redis): Promise<Unmet | undefined> {
  const log: unknown = await redis.acl('LOG');
  const [first]: unknown[] = Array.isArray(log) ? log : [];
  if (!Array.isArray(first)) return undefined;
  const command = String(first[first.indexOf('object') + 1]);
  return new Unmet(
    'commands that read and write data, and no others',
    `it sent ${command.replace('|', ' ').toUpperCase()}, which the server refused: in production others use that server too`,
  );
}

async function causeOf<Submission>(error: unknown, trial: Trial<Submission>): Promise<Cause> {
  if (error instanceof Unmet) {
    return { status: 'failed', expected: error.expected, happened: error.happened };
  }
  if (error instanceof SubmissionError) return describeProblem(error.problem);
  if (error instanceof TimeIsUp) {
    let happened =
      'it still waits for something that does not come: a read with BLOCK 0, a promise?';
    for (const worker of trial.workers) {
      if (worker.gone || (await worker.answers())) continue;
      happened = `worker ${worker.name} does not react to anything any more: an endless loop without an await?`;
      break;
    }
    return { status: 'timed out', expected: error.message, happened };
  }
  // The grader's own look at Redis has failed, because what it looks at is not there any more.
  if (error instanceof Error && error.message.startsWith('BUSY ')) {
    const expected = 'Lua scripts to come to an end: while one runs, Redis does nothing else';
    return { status: 'failed', expected, happened: 'a script that it sent (EVAL) runs on and on' };
  }
  if (error instanceof Error && error.name === 'ReplyError') {
    const expected = 'the streams and groups that were there to be there still';
    return { status: 'failed', expected, happened: `Redis says: ${error.message}` };
  }
  throw error;
}

function describeProblem(problem: Problem): Cause {
  switch (problem.kind) {
    case 'threw': {
      const { message, stack } = problem;
      const status = NOT_STARTED.test(message) ? 'not started' : 'crashed';
      return { status, expected: 'no error', happened: `it threw: ${message}`, stack };
    }
    case 'uncaught':
      return {
        status: 'crashed',
        expected: 'every error to be caught, and every promise to be awaited',
        happened: `${problem.what} that nobody caught ended the worker: ${problem.message}`,
        stack: problem.stack,
      };
    case 'died':
      return {
        status: 'crashed',
        expected: 'the worker to stay alive',
        happened: `its process ended: ${problem.how}`,
      };
    case 'no function':
      return {
        status: 'failed',
        expected: `an exported function ${problem.name}`,
        happened: `the file exports ${problem.found}`,
      };
    case 'cannot load':
      return {
        status: 'crashed',
        expected: 'a file that can be loaded',
        happened: problem.message,
        stack: problem.stack,
      };
    case 'closed client':
      return {
        status: 'failed',
        expected: 'the connection `redis` to stay open: it belongs to the caller',
        happened: 'it was closed. Close only what you opened yourself, with redis.duplicate()',
      };
  }
}

/** The first place in a stack trace that is in the learner's own TypeScript. */
function frameOf(stack: string): string | undefined {
  for (const line of stack.split('\n')) {
    const [, place] = /(?:\(|at )(?:file:\/\/)?([^()\s][^()]*\.ts:\d+:\d+)\)?$/.exec(line) ?? [];
    if (place && !place.includes('node_modules')) return place;
  }
  return undefined;
}

/** The last commands, those that repeat as one line with a count. */
function describeCommands(commands: readonly Recorded[]): string[] {
  const lines: { text: string; times: number }[] = [];
  for (const command of commands) {
    const text = `${command.worker.padEnd(10)} ${asLine(command)}`;
    const last = lines.at(-1);
    if (last?.text === text) last.times++;
    else lines.push({ text, times: 1 });
  }
  const shown = lines
    .slice(-SHOWN_COMMANDS)
    .map(({ text, times }) => (times > 1 ? `${text}   (${times} times)` : text));
  const left = lines.length - shown.length;
  return left > 0 ? [`... ${left} before`, ...shown] : shown;
}
