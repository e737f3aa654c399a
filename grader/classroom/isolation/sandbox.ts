import { existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GRADER, ROOT } from '../../../system/paths.ts';
import { run } from '../../../system/process/run-program.ts';
import type { Isolation } from '../../supervisor/isolation.ts';
import { LIMITS } from './limits.ts';

const SCRIPT = join(GRADER, 'classroom', 'isolation', 'enter-sandbox.sh');
const UNSHARE = 'unshare';
const NAMESPACES = ['--user', '--map-root-user', '--mount', '--net', '--pid', '--ipc', '--uts'];
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
/** In bytes: the path of a Unix socket in it has to fit into 107. */
const LONGEST_FOLDER = 90;
const DEVICES = ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom'];

/** Why submissions cannot be shut in on this machine. */
export interface NoSandbox {
  readonly reason: string;
}

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
    for (const path of ['proc', 'tmp', folder]) {
      mkdirSync(join(this.#root, path), { recursive: true });
    }
    // Node may have been installed anywhere, and so may the packages.
    const node = dirname(dirname(realpathSync(process.execPath)));
    const packages = realpathSync(join(ROOT, 'node_modules'));
    const readable = [...SYSTEM, node, packages, join(ROOT, 'package.json')].filter(existsSync);
    const lines = [
      mount(this.#root, this.#root, 'bind,ro'),
      mount('tmpfs', join(this.#root, 'tmp'), 'size=64m,mode=1777', 'tmpfs'),
      ...[...new Set(readable)].map((path) => this.#place(path, 'rbind,ro')),
      // They can be written to all the same; their owner and mode cannot be changed.
      ...DEVICES.map((path) => this.#place(path, 'bind,ro')),
      // It may lie in /tmp, the new one of which is empty.
      mount(folder, join(this.#root, folder), 'bind,ro,X-mount.mkdir'),
    ];
    writeFileSync(this.#mounts, `${lines.join('\n')}\n`);
  }

  wrap(command: string, args: readonly string[]): { command: string; args: string[] } {
    const inside = ['sh', SCRIPT, this.#root, this.#mounts, ...LIMITS, command, ...args];
    return { command: UNSHARE, args: [...NAMESPACES, '--fork', '--kill-child', ...inside] };
  }

  /** Tries whether this machine can do it. */
  static async open(folder: string): Promise<Sandbox | NoSandbox> {
    if (process.platform !== 'linux') return { reason: `not on ${process.platform}` };
    if (Buffer.byteLength(folder) > LONGEST_FOLDER) {
      return { reason: `the name of the folder for temporary files is too long for sockets` };
    }
    const sandbox = new Sandbox(folder);
    const { command, args } = sandbox.wrap(process.execPath, ['-p', '6 * 7']);
    const { code, output } = await run(command, args, { env: { PATH: process.env.PATH } });
    if (code === 0 && output.trim() === '42') return sandbox;
    return { reason: output.trim().split('\n').at(-1) || `${UNSHARE} ended with ${code}` };
  }

  /** Places something of the machine in the new root, where it is in the old one. */
  #place(path: string, options: string): string {
    const target = join(this.#root, path);
    if (statSync(path).isDirectory()) {
      mkdirSync(target, { recursive: true });
    } else {
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, '');
    }
    return mount(path, target, options);
  }
}

/** A line of /etc/fstab, where a space in a path is written as an octal number. */
function mount(source: string, target: string, options: string, type = 'none'): string {
  const quoted = [source, target].map((path) =>
    path.replace(/[\s\\#]/g, (sign) => `\\${sign.charCodeAt(0).toString(8).padStart(3, '0')}`),
  );
  return [...quoted, type, options, '0', '0'].join(' ');
}
