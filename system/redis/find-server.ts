import { once } from 'node:events';
import type { Lifetime } from '../process/lifetime.ts';
import { errorMessage, UserError } from '../process/user-error.ts';
import { isOlder, OLDEST_REDIS } from './binary.ts';
import { findOrFetchRedis } from './fetch-redis.ts';
import { askServer, type ServerInfo } from './server-info.ts';
import { findSharedServer } from './shared-server.ts';
import { type RunningServer, startServer } from './start-server.ts';

const ANSWER_DEADLINE_MS = 5000;

/** The server that a command talks to. */
export interface ServerInUse extends ServerInfo {
  /**
   * `learner`: named by `REDIS_URL`, and not ours to tidy up; `shared`: kept up by `npm run redis`;
   * `private`: started for this command alone.
   */
  readonly kind: 'learner' | 'shared' | 'private';
}

/**
 * The server that examples run on: the one that `REDIS_URL` names, else the shared one when it is
 * up, else a private one that ends with this command.
 *
 * @throws UserError when `REDIS_URL` is wrong, or no Redis can be had
 */
export async function findOrStartServer(lifetime: Lifetime): Promise<ServerInUse> {
  const learners = await findLearnersServer();
  if (learners) return learners;
  const shared = await findSharedServer();
  if (shared) return { ...shared, kind: 'shared' };
  return startOwnServer(lifetime);
}

/** Starts a server that ends with this command, whatever ends it. */
export async function startOwnServer(lifetime: Lifetime): Promise<RunningServer & ServerInUse> {
  const server = await startServer(await findOrFetchRedis(lifetime.signal));
  lifetime.atEnd(server.stop);
  return { ...server, kind: 'private' };
}

/** The server that `REDIS_URL` names, or undefined when it is not set. */
export async function findLearnersServer(): Promise<ServerInUse | undefined> {
  const url = process.env.REDIS_URL;
  if (!url) return undefined;
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UserError(
      `REDIS_URL is not the address of a Redis: ${url}\n` +
        'It looks like redis://127.0.0.1:6379, or redis://user:password@host:6379/0.\n' +
        'Unset it, and the workbook starts a server of its own.',
    );
  }
  const info = await askInTime(url);
  if (info.name === 'Redis' && isOlder(info.version, OLDEST_REDIS)) {
    throw new UserError(
      `REDIS_URL names Redis ${info.version}; the workbook needs ${OLDEST_REDIS} or newer.\n` +
        'Unset it, and the workbook starts a server of its own.',
    );
  }
  return { ...info, kind: 'learner' };
}

async function askInTime(url: string): Promise<ServerInfo> {
  const tooLate = once(AbortSignal.timeout(ANSWER_DEADLINE_MS), 'abort').then(() => {
    throw new Error('no answer within 5 seconds');
  });
  try {
    return await Promise.race([askServer(url), tooLate]);
  } catch (error) {
    throw new UserError(
      `No Redis answers at REDIS_URL, ${hidePassword(url)}: ${errorMessage(error)}\n` +
        'Start that server, or unset REDIS_URL: the workbook then starts one of its own.',
    );
  }
}

/** A URL that can be shown on a projector. */
export function hidePassword(url: string): string {
  const address = new URL(url);
  if (address.password) address.password = '***';
  return address.toString();
}
