import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import which from 'which';
import { found } from '../../system/redis/binary.ts';
import { findRedis } from '../../system/redis/find-redis.ts';
import type { Bench } from './workbook.ts';

/** The redis-server that the tests run on. */
export async function realRedis(): Promise<string> {
  const binary = await findRedis();
  if (!found(binary)) throw new Error('the global set-up should have got a Redis');
  return binary.path;
}

/** Writes an executable shell script. */
export function writeScript(path: string, ...lines: string[]): void {
  mkdirSync(dirname(path), { recursive: true });
  // Never through a link: it may lead to a program of this machine.
  rmSync(path, { force: true });
  writeFileSync(path, `#!/bin/sh\n${lines.join('\n')}\n`);
  chmodSync(path, 0o755);
}

/** The lines of a script that claims to be of this version, and is the real server otherwise. */
export function disguised(server: string, banner: string): string {
  return `[ "$1" = --version ] && echo "${banner}" && exit 0\nexec "${server}" "$@"`;
}

interface Tools {
  /** Programs of this machine that may be found. */
  readonly real?: readonly string[];
  /** Shell scripts that are found under these names. */
  readonly scripts?: Record<string, string>;
}

/** A folder to be the whole PATH of a command: it holds these programs and no others. */
export function toolbox(bench: Bench, { real = [], scripts = {} }: Tools): string {
  const folder = join(bench.folder, 'toolbox');
  mkdirSync(folder, { recursive: true });
  for (const name of ['sh', 'dirname', ...real]) {
    symlinkSync(which.sync(name), join(folder, name));
  }
  for (const [name, lines] of Object.entries(scripts)) writeScript(join(folder, name), lines);
  return folder;
}

/** Where the real apt-get is, or undefined on a machine without one. */
export const aptGet = which.sync('apt-get', { nothrow: true }) ?? undefined;

/** A tar.gz as a mirror serves it: one folder, with a Makefile of these lines. */
export function sourceArchive(bench: Bench, makefile: string): string {
  const folder = join(bench.folder, 'redis-source');
  mkdirSync(join(folder, 'src'), { recursive: true });
  writeFileSync(join(folder, 'Makefile'), makefile);
  const archive = join(bench.folder, 'source.tar.gz');
  execFileSync('tar', ['-czf', archive, '-C', bench.folder, 'redis-source']);
  return archive;
}
