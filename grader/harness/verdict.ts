import type { Redis } from 'ioredis';
import type { Problem } from '../messages.ts';
import type { Status, Verdict } from '../requirement.ts';
import { describeDatabase } from './describe-database.ts';
import type { Recorded } from './recorded.ts';
import { tellSequence } from './sequence.ts';
import { SubmissionError } from './submission-error.ts';
import { tellCommands } from './told-commands.ts';
import type { Trial } from './trial.ts';
import { type About, Unmet } from './unmet.ts';
import { whereIs } from './whereabouts.ts';

/** Lines of a stack trace that are not in the learner's file. */
const NOT_THEIRS = /^ +at .*(?:node_modules|node:).*\n?/gm;
const NOT_STARTED = /^Not implemented yet/;

/** Thrown by the clock when a requirement has taken all the time it may have. */
export class TimeIsUp extends Error {
  override readonly name = 'TimeIsUp';
}

type Cause = readonly [status: Status, expected: string, happened: string];

/** Collects all that helps to understand why a requirement is not met, while everything is still there. */
export async function explain<Submission>(
  error: unknown,
  trial: Trial<Submission>,
  commands: readonly Recorded[],
): Promise<Verdict> {
  const about = error instanceof Unmet ? error.about : {};
  const sequence = tellSequence(trial.diary, commands, about);
  const [status, expected, happened] = await causeOf(error, trial);
  const printed: { worker: string; text: string }[] = [];
  for (const { name, host } of trial.workers) {
    const text = await trial.supervisor.output(host);
    const own = text.replaceAll(NOT_THEIRS, '');
    if (own.trim()) printed.push({ worker: name, text: own });
  }
  const problem = error instanceof SubmissionError ? error.problem : undefined;
  const frame = problem && 'stack' in problem ? frameOf(problem.stack) : undefined;
  return {
    status,
    expected,
    happened: await withWhereabouts(happened, about, trial, commands),
    ...(frame ? { frame } : {}),
    ...(sequence.length > 0 ? { sequence } : {}),
    commands: tellCommands(commands, about, trial.diary),
    state: await describeDatabase(trial.redis, about.keys).catch(() => [
      'The server did not answer.',
    ]),
    printed,
  };
}

/** What happened, and where the entry is that it is about. */
async function withWhereabouts<Submission>(
  happened: string,
  { entries: [id] = [], group }: About,
  { redis, diary, workers }: Trial<Submission>,
  commands: readonly Recorded[],
): Promise<string> {
  if (!id) return happened;
  const names = workers.map(({ name }) => name);
  const where = await whereIs(id, { redis, diary, commands, workers: names, group }).catch(
    () => undefined,
  );
  if (!where) return happened;
  return happened.includes(id) ? `${happened}: ${where}` : `${happened} (${id}: ${where})`;
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
  if (error instanceof Unmet) return ['failed', error.expected, error.happened];
  if (error instanceof SubmissionError) return describeProblem(error.problem);
  if (error instanceof TimeIsUp) return ['timed out', error.message, await whatItWaitsFor(trial)];
  // The grader's own look at Redis has failed, because what it looks at is not there any more.
  if (error instanceof Error && error.message.startsWith('BUSY ')) {
    const expected = 'Lua scripts to come to an end: while one runs, Redis does nothing else';
    return ['failed', expected, 'a script that it sent (EVAL) runs on and on'];
  }
  if (error instanceof Error && error.name === 'ReplyError') {
    const expected = 'the streams and groups that were there to be there still';
    return ['failed', expected, `Redis says: ${error.message}`];
  }
  throw error;
}

async function whatItWaitsFor<Submission>({ workers }: Trial<Submission>): Promise<string> {
  for (const worker of workers) {
    // On a busy machine, the first answer may be late.
    if (worker.gone || (await worker.answers()) || (await worker.answers())) continue;
    return `worker ${worker.name} does not react to anything any more: an endless loop without an await?`;
  }
  return 'it still waits for something that does not come: a read with BLOCK 0, a promise?';
}

function describeProblem(problem: Problem): Cause {
  switch (problem.kind) {
    case 'threw': {
      const status = NOT_STARTED.test(problem.message) ? 'not started' : 'crashed';
      return [status, 'no error', `it threw: ${problem.message}`];
    }
    case 'uncaught':
      return [
        'crashed',
        'every error to be caught, and every promise to be awaited',
        `${problem.what} that nobody caught ended the worker: ${problem.message}`,
      ];
    case 'died':
      return ['crashed', 'the worker to stay alive', `its process ended: ${problem.how}`];
    case 'no function':
      return [
        'failed',
        `an exported function ${problem.name}`,
        `the file exports ${problem.found}`,
      ];
    case 'cannot load':
      return ['crashed', 'a file that can be loaded', problem.message];
    case 'closed client':
      return [
        'failed',
        'the connection `redis` to stay open: it belongs to the caller',
        'it was closed. Close only what you opened yourself, with redis.duplicate()',
      ];
    case 'listeners left':
      return [
        'failed',
        'no listeners to be left on the connection `redis` when the loop returns: it belongs to the caller',
        `there are more for ${problem.events.join(', ')} than before. In a process that starts and stops workers they add up`,
      ];
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
