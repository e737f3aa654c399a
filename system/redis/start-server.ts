import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { guard } from '../process/guardian.ts';
import { killGroup } from '../process/run-program.ts';
import { temporaryFolder } from '../process/temporary-folder.ts';
import { errorMessage, UserError } from '../process/user-error.ts';
import type { RedisBinary } from './binary.ts';
import { askServer, type ServerInfo } from './server-info.ts';

const LOOPBACK = '127.0.0.1';
const START_DEADLINE_MS = 15_000;
const STOP_DEADLINE_MS = 2000;
const KNOCK_EVERY_MS = 2;
const PORT_TRIES = 5;
const KEPT_OUTPUT = 4000;

/** A redis-server that this command started, and that ends with it. */
export interface RunningServer extends ServerInfo {
  /** Resolves when the server has ended, whoever ended it. */
  readonly ended: Promise<unknown>;
  stop(): Promise<void>;
}

/**
 * Starts a redis-server on a free port of the loopback interface: nothing is saved to disk, nothing
 * outside this machine can reach it, and the guardian ends it when this process is gone.
 *
 * Not with redis-memory-server's own launcher: that one cannot start a server whose path has a space
 * in it, dies with it on Ctrl+C before the programs that use it, and leaves it running for two
 * seconds after a SIGKILL.
 *
 * @param settings more of redis.conf, such as `{ hz: 100 }`
 * @throws UserError when the server does not come up; with what it printed
 */
export async function startServer(
  binary: RedisBinary,
  settings: Record<string, number | string> = {},
): Promise<RunningServer> {
  for (let tries = 1; ; tries++) {
    const started = await tryPort(binary, await freePort(), settings);
    if ('url' in started) return started;
    const portWasTaken = /address already in use|could not create server tcp/i.test(started.output);
    if (portWasTaken && tries < PORT_TRIES) continue;
    throw new UserError(
      `${binary.path} (${binary.name} ${binary.version}) does not start:\n` +
        (started.output.trim() || 'it printed nothing.'),
    );
  }
}

/** A port of the loopback interface that nothing listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

async function tryPort(
  binary: RedisBinary,
  port: number,
  settings: Record<string, number | string>,
): Promise<RunningServer | { readonly output: string }> {
  const { path: dir, remove } = temporaryFolder('redis-streams-');
  const options = { port, bind: LOOPBACK, dir, save: '', appendonly: 'no', ...settings };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  // A process group of its own: Ctrl+C in the terminal must not take the server away from the
  // programs that are still tidying up.
  const child = spawn(binary.path, args, {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  guard(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT);
    });
  }
  const ended = once(child, 'close').catch((error) => {
    output += errorMessage(error);
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      const insist = setTimeout(() => killGroup(child.pid), STOP_DEADLINE_MS);
      await ended;
      clearTimeout(insist);
    }
    remove();
  };

  const up = whenUp(`redis://${LOOPBACK}:${port}`, child);
  const info = await Promise.race([up, ended.then(() => undefined)]);
  if (!info) {
    await stop();
    return { output };
  }
  return { ...info, ended, stop };
}

/** Knocks until the server answers; undefined when it does not in time, or another one has the port. */
async function whenUp(url: string, child: ChildProcess): Promise<ServerInfo | undefined> {
  const deadline = Date.now() + START_DEADLINE_MS;
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    try {
      const info = await askServer(url);
      if (process.platform === 'win32' || info.pid === child.pid) return info;
    } catch {
      // Not listening yet, or still loading.
    }
    await sleep(KNOCK_EVERY_MS);
  }
  return undefined;
}
