import { join } from 'node:path';
import { GRADER } from '../../../system/paths.ts';
import { run } from '../../../system/process/run-program.ts';
import type { Isolation } from '../../supervisor/isolation.ts';
import { LIMITS } from './limits.ts';
import { layOutRoot } from './sandbox-root.ts';
import { type NoSandbox, whyNoNamespaces } from './why-no-namespaces.ts';

const SCRIPT = join(GRADER, 'classroom', 'isolation', 'enter-sandbox.sh');
const UNSHARE = 'unshare';
const NAMESPACES = ['--user', '--map-root-user', '--mount', '--net', '--pid', '--ipc', '--uts'];
/** In bytes: the path of a Unix socket in it has to fit into 107. */
const LONGEST_FOLDER = 90;

/**
 * Shuts a process in: namespaces of its own (Linux, unprivileged), in which there is no network, no other process, and of the
 * file system only Node, the packages, and one folder, none of which can be written to. It has a /tmp of 64 MB in memory,
 * gone at its end, and limits for processor time and the size of files.
 */
export class Sandbox implements Isolation {
  readonly description =
    'each submission is shut in, with no network, no files of yours, and nothing to write to.';
  readonly hasNetwork = false;
  readonly temporary = '/tmp';
  readonly #root: string;
  readonly #mounts: string;

  /** @param folder what the process may read; what its root is made of lies in it too */
  constructor(folder: string) {
    this.#root = join(folder, 'root');
    this.#mounts = join(folder, 'mounts');
    layOutRoot(this.#root, folder, this.#mounts);
  }

  wrap(command: string, args: readonly string[]): { command: string; args: string[] } {
    const inside = ['sh', SCRIPT, this.#root, this.#mounts, ...LIMITS, command, ...args];
    return { command: UNSHARE, args: [...NAMESPACES, '--fork', '--kill-child', ...inside] };
  }

  /** Tries whether this machine can do it. */
  static async open(folder: string): Promise<Sandbox | NoSandbox> {
    if (process.platform !== 'linux') return { reason: `not on ${process.platform}` };
    if (Buffer.byteLength(folder) > LONGEST_FOLDER) {
      return {
        reason: `the name of the folder for temporary files is too long for sockets: ${folder}`,
        advice: 'set TMPDIR to a folder with a short name',
      };
    }
    const sandbox = new Sandbox(folder);
    const { command, args } = sandbox.wrap(process.execPath, ['-p', '6 * 7']);
    const { code, output } = await run(command, args, { env: { PATH: process.env.PATH } });
    if (code === 0 && output.trim() === '42') return sandbox;
    return whyNoNamespaces(output, code);
  }
}
