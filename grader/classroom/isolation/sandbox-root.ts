import { existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { ROOT } from '../../../system/paths.ts';

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
const DEVICES = ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom'];
/** Makes the mount point: what is mounted into a file system that is new itself finds nothing there. */
const MADE = 'X-mount.mkdir';

/**
 * Writes down what has to be mounted to make `root` what a submission is to see, in the format of /etc/fstab and in order: what
 * lies below another mount point comes after it.
 *
 * @param folder what the submission may read, beside Node and the packages
 * @param mounts the file to write
 */
export function layOutRoot(root: string, folder: string, mounts: string): void {
  for (const path of ['proc', 'tmp']) mkdirSync(join(root, path), { recursive: true });
  /** Places something of the machine in the new root, where it is in the old one. */
  const place = (path: string, options: string): string => {
    const target = join(root, path);
    const isFolder = statSync(path).isDirectory();
    if (isFolder && isNew(path)) return mount(path, target, `${options},${MADE}`);
    if (isFolder) mkdirSync(target, { recursive: true });
    else {
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, '');
    }
    return mount(path, target, options);
  };
  const lines = [
    mount(root, root, 'bind,ro'),
    mount('tmpfs', join(root, 'tmp'), 'size=64m,mode=1777', 'tmpfs'),
    ...SYSTEM.filter(existsSync).map((path) => place(path, 'rbind,ro')),
    // A clone among the system's own programs would be seen with them, solutions and all.
    ...(isSystem(ROOT) ? [mount('tmpfs', join(root, ROOT), 'size=1m,mode=755', 'tmpfs')] : []),
    ...nodeAndPackages().map((path) => place(path, 'rbind,ro')),
    // They can be written to all the same; their owner and mode cannot be changed.
    ...DEVICES.map((path) => place(path, 'bind,ro')),
    place(folder, 'bind,ro'),
  ];
  writeFileSync(mounts, `${lines.join('\n')}\n`);
}

/** Node may have been installed anywhere, and so may the packages. */
function nodeAndPackages(): string[] {
  const programs = dirname(realpathSync(process.execPath));
  const node = [programs, join(dirname(programs), 'lib')].filter((path) => !isSystem(path));
  return [...node.filter(existsSync), realpathSync(join(ROOT, 'node_modules'))];
}

const isSystem = (path: string) => SYSTEM.some((system) => isBelow(path, system));
/** Whether it lies in a file system that is mounted empty. */
const isNew = (path: string) => isBelow(path, '/tmp') || (isSystem(ROOT) && isBelow(path, ROOT));
const isBelow = (path: string, folder: string) => join(path, sep).startsWith(join(folder, sep));

/** A line of /etc/fstab, where a blank in a path is written as an octal number. */
function mount(source: string, target: string, options: string, type = 'none'): string {
  const quoted = [source, target].map((path) =>
    path.replace(/[ \t\n\r\\#]/g, (sign) => `\\${sign.charCodeAt(0).toString(8).padStart(3, '0')}`),
  );
  return [...quoted, type, options, '0', '0'].join(' ');
}
