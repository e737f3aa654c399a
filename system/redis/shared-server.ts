import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STATE } from '../paths.ts';
import { guardPath } from '../process/guardian.ts';
import { errorCode, fileSystemTrouble } from '../process/user-error.ts';
import { Connection } from '../resp/connection.ts';
import { readServerInfo, type ServerInfo } from './server-info.ts';
import type { RunningServer } from './start-server.ts';

const NOTE = join(STATE, 'shared-redis.json');

/** The server that `npm run redis` keeps up for several terminals. */
export interface SharedServer extends ServerInfo {
  readonly url: string;
}

/** The shared server of this clone, when one is up. A note that a crash left behind is removed. */
export async function findSharedServer(): Promise<SharedServer | undefined> {
  if (!existsSync(NOTE)) return undefined;
  try {
    const note = readNote();
    const connection = await Connection.open(note.url);
    const info = await readServerInfo(connection);
    connection.close();
    if (info.runId === note.runId) return { ...info, url: note.url };
  } catch {
    // Nobody answers there any more, or the note makes no sense.
  }
  rmSync(NOTE, { force: true });
  return undefined;
}

/**
 * Notes for other terminals that `server` is the shared one; the note goes when this process goes.
 *
 * @returns a function that takes the note back, or undefined when another server was noted meanwhile
 */
export function announceSharedServer(server: RunningServer): (() => void) | undefined {
  const draft = `${NOTE}.${process.pid}`;
  try {
    mkdirSync(STATE, { recursive: true });
    writeFileSync(draft, JSON.stringify({ url: server.url, runId: server.runId }));
    // A link comes into being complete or not at all, and of two commands that make it, one fails.
    linkSync(draft, NOTE);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return undefined;
    throw fileSystemTrouble(error, `write ${NOTE}`);
  } finally {
    rmSync(draft, { force: true });
  }
  const keep = guardPath(NOTE);
  return () => {
    rmSync(NOTE, { force: true });
    keep();
  };
}

function readNote(): { url: string; runId: string } {
  const note: unknown = JSON.parse(readFileSync(NOTE, 'utf8'));
  if (typeof note === 'object' && note !== null && 'url' in note && 'runId' in note) {
    const { url, runId } = note;
    if (typeof url === 'string' && typeof runId === 'string') return { url, runId };
  }
  throw new Error(`${NOTE} is not a note of a shared server`);
}
