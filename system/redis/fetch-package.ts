import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import which from 'which';
import { type ProgramResult, run } from '../process/run-program.ts';
import type { NotFound, RedisBinary } from './binary.ts';
import { addToCache } from './cache-entry.ts';
import type { Progress } from './fetch-progress.ts';

const PACKAGES = ['redis-server', 'valkey-server'];
const PROGRAMS = ['redis-server', 'redis-cli', 'valkey-server', 'valkey-cli'];

const DEADLINE_MS = Number(process.env.WORKBOOK_STALLED_MS ?? 180_000);

/** apt's answer to a lost network should come in seconds, not after its default of minutes. */
const PATIENCE = ['-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=20'];

/**
 * Gets the redis-server of Debian or Ubuntu without root and without installing anything: apt
 * downloads the packages into a folder of ours, `dpkg-deb -x` unpacks them there.
 */
export async function fetchPackage(
  progress: Progress,
  signal: AbortSignal,
): Promise<RedisBinary | NotFound> {
  for (const tool of ['apt-get', 'dpkg-deb']) {
    if (!(await which(tool, { nothrow: true }))) {
      return { reason: `no ${tool} here to get a package with` };
    }
  }
  return addToCache('system-package', "your system's package", async (folder) => {
    progress.step("Fetching your system's Redis package (nothing is installed) ...");
    const failure = await download(folder, signal);
    if (failure) return failure;
    return unpack(folder, signal);
  });
}

/** Downloads the packages into `folder`, with fresh package lists when the present ones are of no use. */
async function download(folder: string, signal: AbortSignal): Promise<NotFound | undefined> {
  const lists = join(folder, 'lists');
  mkdirSync(join(folder, 'archives', 'partial'), { recursive: true });

  if ((await downloadPackages(folder, [], signal)).done) return undefined;

  mkdirSync(join(lists, 'partial'), { recursive: true });
  const ownLists = ['-o', `Dir::State::lists=${lists}`];
  const update = await apt(folder, ['update', ...ownLists], signal);
  const download = await downloadPackages(folder, ownLists, signal);
  rmSync(lists, { recursive: true, force: true });
  if (download.done) return undefined;

  const complaint =
    /^E: (.*)$/m.exec(update.output + download.output)?.[1] ?? 'it does not say why';
  return { reason: `apt-get cannot download ${PACKAGES.join(' or ')} (${complaint})` };
}

async function downloadPackages(
  folder: string,
  options: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly done: boolean; readonly output: string }> {
  let said = '';
  for (const name of PACKAGES) {
    const install = ['install', '--download-only', '--no-install-recommends', '--yes'];
    const { code, output } = await apt(folder, [...install, ...options, name], signal);
    said += output;
    if (code === 0 && debs(folder).length > 0) return { done: true, output: said };
  }
  return { done: false, output: said };
}

async function apt(
  folder: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<ProgramResult> {
  const ours = ['-o', 'Debug::NoLocking=true', '-o', `Dir::Cache::archives=${folder}/archives`];
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  try {
    return await run('apt-get', [...ours, ...PATIENCE, ...args], {
      env,
      signal: AbortSignal.any([signal, deadline]),
    });
  } catch (error) {
    // apt can hang, on a disk that fills up under it for one.
    if (signal.aborted || !deadline.aborted) throw error;
    return { code: -1, output: 'E: it took too long, and was stopped\n' };
  }
}

function debs(folder: string): string[] {
  const archives = join(folder, 'archives');
  return readdirSync(archives)
    .filter((file) => file.endsWith('.deb'))
    .map((file) => join(archives, file));
}

async function unpack(folder: string, signal: AbortSignal): Promise<{ server: string } | NotFound> {
  const root = join(folder, 'root');
  for (const deb of debs(folder)) {
    const { code, output } = await run('dpkg-deb', ['-x', deb, root], { signal });
    if (code !== 0) return { reason: `dpkg-deb cannot unpack ${deb} (${output.trim()})` };
  }
  rmSync(join(folder, 'archives'), { recursive: true });

  const programs = readdirSync(join(root, 'usr', 'bin')).filter((name) => PROGRAMS.includes(name));
  for (const program of programs) writeWrapper(folder, program);
  const server = programs.find((name) => name.endsWith('-server'));
  return server ? { server } : { reason: 'the package holds no redis-server' };
}

/**
 * A script that starts a program of the package with the libraries that came beside it. `exec`, so
 * that the process that is started is the server itself, which can then be signalled and killed.
 */
function writeWrapper(folder: string, program: string): void {
  const path = join(folder, program);
  const script = [
    '#!/bin/sh',
    'root=$(dirname "$0")/root',
    'for libraries in "$root"/usr/lib/*-linux-* "$root"/lib/*-linux-*; do',
    '  [ -d "$libraries" ] && LD_LIBRARY_PATH=$libraries:$LD_LIBRARY_PATH',
    'done',
    'export LD_LIBRARY_PATH',
    `exec "$root/usr/bin/${program}" "$@"`,
    '',
  ];
  writeFileSync(path, script.join('\n'));
  chmodSync(path, 0o755);
}
