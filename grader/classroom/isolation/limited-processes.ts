import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GRADER } from '../../../system/paths.ts';
import type { Isolation } from '../../supervisor/isolation.ts';
import { LIMITS } from './limits.ts';

const RUN = readFileSync(join(GRADER, 'classroom', 'isolation', 'run-limited.sh'), 'utf8');

/** Processes with limits for processor time and the size of files, and nothing more between them and the machine. */
export class LimitedProcesses implements Isolation {
  readonly description: string;
  readonly hasNetwork = true;
  readonly temporary: string;

  /** @param reason why there is nothing better */
  constructor(folder: string, reason: string) {
    this.temporary = join(folder, 'scratch');
    this.description = `none but limits. Submissions can do what you can (${reason}).`;
    mkdirSync(this.temporary, { recursive: true });
  }

  wrap(command: string, args: readonly string[]): { command: string; args: string[] } {
    return { command: 'sh', args: ['-c', RUN, 'run-limited', ...LIMITS, command, ...args] };
  }
}
