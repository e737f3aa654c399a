import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../../workbook/paths.ts';
import { run } from '../../workbook/process/run.ts';
import { CPU_SECONDS, LARGEST_FILE } from './sandbox.ts';
import type { Walls } from './walls.ts';

const SCRIPT = fileURLToPath(new URL('./limits.sh', import.meta.url));
const IOREDIS = join(ROOT, 'node_modules', 'ioredis');
/** The user that owns nothing. Its number is the same on every system that has it. */
const NOBODY = { uid: 65_534, gid: 65_534 };

/**
 * Processes with limits for processor time and the size of files. When root grades, they belong to the user `nobody`, who can
 * write almost nowhere and reads only what everybody may.
 */
export class LimitedProcesses implements Walls {
  readonly description: string;
  readonly hasNetwork = true;
  readonly temporary: string;
  readonly identity?: typeof NOBODY;

  private constructor(folder: string, reason: string, asNobody: boolean) {
    this.temporary = join(folder, 'scratch');
    mkdirSync(this.temporary, { recursive: true });
    if (!asNobody) {
      this.description = `none but limits. Submissions can do what you can (${reason}).`;
      return;
    }
    this.identity = NOBODY;
    this.description = `submissions run as the user nobody, with limits. They have a network, and read what everybody may (${reason}).`;
    // Its processes find what they know the name of. What else is there, they cannot see.
    chmodSync(folder, 0o711);
    chmodSync(this.temporary, 0o1777);
  }

  wrap(command: string, args: readonly string[]): { command: string; args: string[] } {
    return {
      command: 'sh',
      args: [SCRIPT, String(CPU_SECONDS), String(LARGEST_FILE), command, ...args],
    };
  }

  /** @param reason why there is nothing better */
  static async open(folder: string, reason: string): Promise<LimitedProcesses> {
    if (process.getuid?.() === 0) {
      const walls = new LimitedProcesses(folder, reason, true);
      if (await canWork(walls, folder)) return walls;
    }
    return new LimitedProcesses(folder, reason, false);
  }
}

/** Whether that user reaches Node, the packages and the folder: each may lie in somebody's home. */
async function canWork(walls: LimitedProcesses, folder: string): Promise<boolean> {
  const probe = join(folder, 'probe.cjs');
  writeFileSync(probe, `require(${JSON.stringify(IOREDIS)}); console.log(6 * 7);\n`);
  chmodSync(probe, 0o644);
  const { command, args } = walls.wrap(process.execPath, [probe]);
  const env = { PATH: process.env.PATH };
  const { code, output } = await run(command, args, { ...walls.identity, cwd: '/', env });
  return code === 0 && output.trim() === '42';
}
