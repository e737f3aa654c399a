import { temporaryFolder } from '../../../system/process/temporary-folder.ts';
import { OtherUser } from './other-user.ts';
import { Sandbox } from './sandbox.ts';
import type { Wall } from './walls.ts';

/** Whether there is this wall on this machine. */
export interface FoundWall {
  readonly wall: Wall;
  /** Why not; undefined when it can be had. */
  readonly missing?: string;
  readonly advice?: string;
}

/** Tries each wall, the best first. */
export async function findWalls(): Promise<readonly FoundWall[]> {
  if (process.platform === 'win32') return [{ wall: 'none' }];
  const found: FoundWall[] = [];
  for (const [wall, open] of [
    ['sandbox', Sandbox.open],
    ['user', OtherUser.open],
  ] as const) {
    const folder = temporaryFolder('redis-streams-probe-');
    const opened = await open(folder.path, '');
    folder.remove();
    found.push(
      'reason' in opened ? { wall, missing: opened.reason, advice: opened.advice } : { wall },
    );
  }
  return [...found, { wall: 'none' }];
}
