import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import which from 'which';
import { type ProgramResult, run } from '../process/run-program.ts';
import type { NotFound, RedisBinary } from './binary.ts';
import { addToCache } from './cache-entry.ts';
import type { FetchProgress } from './fetch-progress.ts';

const PACKAGES = ['redis-server', 'valkey-server'];
const PROGRAMS = ['redis-server', 'redis-cli', 'valkey-server', 'valkey-cli'];

const DEADLINE_MS = Number(process.env.WORKBOOK_STALLED_MS ?? 180_000);

const OPTIONS = [
  'Debug::NoLocking=true',
  // The answer to a lost network should come in seconds, not after apt's default of minutes.
  'Acquire::Retries=1',
  'Acquire::http::Timeout=20',
].flatMap((option) => ['-o', option]);

/**
 * Gets the redis-server of Debian or Ubuntu without root and without installing anything: apt
 * downloads the packages into a folder of ours, `dpkg-deb -x` unpacks them there.
 */
export async function fetchPackage(
  progress: FetchProgress,
  signal: AbortSignal,
): Promise<RedisBinary | NotFound> {
  for (const tool of ['apt-get', 'dpkg-deb']) {
    if (!(await which(tool, { nothrow: true }))) {
      return { reason: `no ${tool} here to get a package with` };
    }
  }
  return addToCache('system-package', "your system's package", async (folder) => {
    progress.step("Fetching your system's Redis package (nothing is installed) ...");
    return (await download(folder, signal)) ?? unpack(folder, signal);
  });
}

/** Downloads the packages, with fresh package lists when the present ones are of no use. */
async function download(folder: string, signal: AbortSignal): Promise<NotFound | undefined> {
  const archives = join(folder, 'archives');
  const lists = join(archives, 'lists');
  for (const place of [archives, lists]) mkdirSync(join(place, 'partial'), { recursive: true });
  const cache = ['-o', `Dir::Cache::archives=${archives}`];
  let said = '';
  const apt = async (...args: string[]) => {
    const { code, output } = await runApt([...cache, ...args], signal);
    said += output;
    return code === 0;
  };
  for (const options of [[], ['-o', `Dir::State::lists=${lists}`]]) {
    said = '';
    if (options.length > 0) await apt('update', ...options);
    for (const name of PACKAGES) {
      const install = ['install', '--download-only', '--no-install-recommends', '--yes'];
      const downloaded = await apt(...install, ...options, name);
      if (downloaded && debs(archives).length > 0) return undefined;
    }
  }
  const complaint = /^E: (.*)$/m.exec(said)?.[1] ?? 'it does not say why';
  return { reason: `apt-get cannot download ${PACKAGES.join(' or ')} (${complaint})` };
}

async function runApt(args: readonly string[], signal: AbortSignal): Promise<ProgramResult> {
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  try {
    const either = AbortSignal.any([signal, deadline]);
    return await run('apt-get', [...OPTIONS, ...args], { env, signal: either });
  } catch (error) {
    // apt can hang, on a disk that fills up under it for one.
    if (signal.aborted || !deadline.aborted) throw error;
    return { code: -1, output: 'E: it took too long, and was stopped\n' };
  }
}

function debs(archives: string): string[] {
  return readdirSync(archives)
    .filter((file) => file.endsWith('.deb'))
    .map((file) => join(archives, file));
}

async function unpack(folder: string, signal: AbortSignal): Promise<{ server: string } | NotFound> {
  const archives = join(folder, 'archives');
  const root = join(folder, 'root');
  for (const deb of debs(archives)) {
    const { code, output } = await run('dpkg-deb', ['-x', deb, root], { signal });
    if (code !== 0) return { reason: `dpkg-deb cannot unpack ${deb} (${output.trim()})` };
  }
  rmSync(archives, { recursive: true });

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
  writeFileSync(join(folder, program), script.join('\n'), { mode: 0o755 });
}
