import { mkdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from '../../workbook/paths.ts';
import { run } from '../../workbook/process/run.ts';

const SCRIPT = fileURLToPath(new URL('./sandbox.sh', import.meta.url));
const UNSHARE = 'unshare';
const NAMESPACES = ['--user', '--map-root-user', '--mount', '--net', '--pid', '--ipc', '--uts'];
const CPU_SECONDS = 120;
/** In blocks of 512 bytes: 32 MB. */
const LARGEST_FILE = 65_536;
const SYSTEM = [
  '/usr',
  '/lib',
  '/lib64',
  '/lib32',
  '/bin',
  '/sbin',
  '/etc/ld.so.cache',
  '/nix/store',
];

/** Why submissions cannot be shut in on this machine. */
export interface NoSandbox {
  readonly reason: string;
}

/**
 * Shuts a process in: namespaces of its own (Linux, unprivileged), in which there is no network, no other process, and of the
 * file system only Node, the packages, and one folder, none of which can be written to. It has a /tmp in memory, and limits
 * for processor time and the size of files.
 */
export class Sandbox {
  readonly #newRoot: string;
  readonly #readable: readonly string[];

  /** @param folder what the process may read; it is also where its root is mounted */
  constructor(folder: string) {
    this.#newRoot = join(folder, 'root');
    mkdirSync(this.#newRoot, { recursive: true });
    // Node may have been installed anywhere, and so may the packages.
    const node = dirname(dirname(realpathSync(process.execPath)));
    const packages = realpathSync(join(ROOT, 'node_modules'));
    this.#readable = [...new Set([...SYSTEM, node, packages, join(ROOT, 'package.json'), folder])];
  }

  /** The command that runs this one inside. */
  wrap(command: string, args: readonly string[]): { command: string; args: string[] } {
    const limits = [String(CPU_SECONDS), String(LARGEST_FILE)];
    const inside = [
      'sh',
      SCRIPT,
      this.#newRoot,
      ...limits,
      ...this.#readable,
      '--',
      command,
      ...args,
    ];
    return { command: UNSHARE, args: [...NAMESPACES, '--fork', '--kill-child', ...inside] };
  }

  /** Tries whether this machine can do it. */
  static async open(folder: string): Promise<Sandbox | NoSandbox> {
    if (process.platform !== 'linux') return { reason: `not on ${process.platform}` };
    const sandbox = new Sandbox(folder);
    const { command, args } = sandbox.wrap(process.execPath, ['-p', '6 * 7']);
    const { code, output } = await run(command, args, { env: { PATH: process.env.PATH } });
    if (code === 0 && output.trim() === '42') return sandbox;
    return { reason: output.trim().split('\n').at(-1) || `${UNSHARE} ended with ${code}` };
  }
}
