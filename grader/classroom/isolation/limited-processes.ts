import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GRADER, ROOT } from '../../../system/paths.ts';
import { run } from '../../../system/process/run-program.ts';
import type { Isolation } from '../../supervisor/isolation.ts';
import { LIMITS } from './limits.ts';

const SCRIPT = join(GRADER, 'classroom', 'isolation', 'run-limited.sh');
const IOREDIS = join(ROOT, 'node_modules', 'ioredis');
/** The user `nobody`, where there is one. */
const NOBODY = 65_534;
/** Users from here on are given to nobody, so that each worker can have one: what belongs to it, no other can kill. */
const UNUSED = 1_900_000_000;

/**
 * Processes with limits for processor time and the size of files. When root grades, they belong to a user that owns nothing, who
 * can write almost nowhere and reads only what everybody may.
 */
export class LimitedProcesses implements Isolation {
  readonly description: string;
  readonly hasNetwork = true;
  readonly temporary: string;
  readonly identity?: { readonly uid: number; readonly gid: number };

  private constructor(folder: string, reason: string, user?: number) {
    this.temporary = join(folder, 'scratch');
    mkdirSync(this.temporary, { recursive: true });
    if (user === undefined) {
      this.description = `none but limits. Submissions can do what you can (${reason}).`;
      return;
    }
    this.identity = { uid: user, gid: user };
    this.description = `submissions run as a user that owns nothing, with limits. They have a network, and read what everybody may (${reason}).`;
    // Its processes find what they know the name of. What else is there, they cannot see.
    chmodSync(folder, 0o711);
    chmodSync(this.temporary, 0o1777);
  }

  wrap(command: string, args: readonly string[]): { command: string; args: string[] } {
    return { command: 'sh', args: [SCRIPT, ...LIMITS, command, ...args] };
  }

  /** @param reason why there is nothing better */
  static async open(folder: string, reason: string): Promise<LimitedProcesses> {
    const users = process.getuid?.() === 0 ? [UNUSED + process.pid, NOBODY] : [];
    for (const user of users) {
      const isolation = new LimitedProcesses(folder, reason, user);
      if (await canWork(isolation, folder)) return isolation;
    }
    return new LimitedProcesses(folder, reason);
  }
}

/** Whether that user reaches Node, the packages and the folder: each may lie in somebody's home. */
async function canWork(isolation: LimitedProcesses, folder: string): Promise<boolean> {
  const probe = join(folder, 'probe.cjs');
  writeFileSync(probe, `require(${JSON.stringify(IOREDIS)}); console.log(6 * 7);\n`);
  chmodSync(probe, 0o644);
  const { command, args } = isolation.wrap(process.execPath, [probe]);
  const env = { PATH: process.env.PATH };
  const { code, output } = await run(command, args, { ...isolation.identity, cwd: '/', env });
  return code === 0 && output.trim() === '42';
}
