import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STATE } from '../paths.ts';
import { guardPath } from '../process/guardian.ts';
import { errorCode, fileSystemTrouble } from '../process/user-error.ts';
import { askServer, type ServerInfo } from './server-info.ts';
import type { RunningServer } from './start-server.ts';

const NOTE = join(STATE, 'shared-redis.json');

/**
 * The server that `npm run redis` keeps up for several terminals of this clone, when one is up.
 * A note that a crash left behind is removed.
 */
export async function findSharedServer(): Promise<ServerInfo | undefined> {
  if (!existsSync(NOTE)) return undefined;
  try {
    const note: { url: string; runId: string } = JSON.parse(readFileSync(NOTE, 'utf8'));
    const info = await askServer(note.url);
    if (info.runId === note.runId) return info;
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
