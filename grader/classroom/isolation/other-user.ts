import { chmodSync, chownSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GRADER, ROOT } from '../../../system/paths.ts';
import { atTheEnd } from '../../../system/process/guardian.ts';
import { run } from '../../../system/process/run-program.ts';
import type { Isolation } from '../../supervisor/isolation.ts';
import { MOST_PROCESSES } from '../../supervisor/memory-watch.ts';
import { LIMITS } from './limits.ts';
import { adopted, processesOf } from './processes-of-user.ts';
import { leftBy, writableByAll } from './writable-by-all.ts';

const HERE = join(GRADER, 'classroom', 'isolation');
const RUN = readFileSync(join(HERE, 'run-limited.sh'), 'utf8');
const SWEEP = readFileSync(join(HERE, 'sweep-user.sh'), 'utf8');
const PACKAGE = join(ROOT, 'node_modules', 'ioredis', 'package.json');

/** Users from here on are given to nobody: each process that grades has one to itself. */
const UNUSED = 1_900_000_000;
/** Where a container knows small numbers only. Systems keep these for users that come and go. */
const UNUSED_SMALL = 61_184;
const SMALL_ONES = 4000;

const MB = 1024 * 1024;
const MOST_THREADS = 1024;
const MOST_MEMORY_MB = 512;
const MOST_DISK_MB = 256;
const MOST_FILES = 10_000;
const LOOK_EVERY_MS = 1000;

/** Why submissions cannot run as somebody else. */
export interface NoOtherUser {
  readonly reason: string;
  readonly advice?: string;
}

/** A user that owns nothing. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Submissions run as a user that owns nothing, who can write almost nowhere and reads only what everybody may; with limits for
 * processor time, processes and the size of files. For root alone.
 */
export class OtherUser implements Isolation {
  readonly description: string;
  readonly hasNetwork = true;
  readonly temporary: string;
  readonly identity: Identity;
  /** Where it may have left something. */
  readonly #folders: readonly string[];
  #sweeping: Promise<unknown> = Promise.resolve();
  #lookedAt = 0;

  private constructor(folder: string, reason: string, uid: number, folders: readonly string[]) {
    this.temporary = join(folder, 'scratch');
    this.identity = { uid, gid: uid };
    this.description = `submissions run as a user that owns nothing, with limits. They have a network, and read what everybody may (${reason}).`;
    this.#folders = [...folders, this.temporary];
    mkdirSync(this.temporary, { recursive: true });
    // For its processes, which have a group of their own, and for nobody else who is graded at the same time. Compilers list it.
    chownSync(folder, process.getuid?.() ?? 0, uid);
    chmodSync(folder, 0o750);
    chmodSync(this.temporary, 0o1777);
    // However this command ends.
    atTheEnd({ command: 'sh', args: this.#sweeper(), ...this.identity });
  }

  wrap(command: string, args: readonly string[]): { command: string; args: string[] } {
    // The script's text: that user might not be able to read the file.
    const script = `PROCESSES=${MOST_THREADS}\n${RUN}`;
    return { command: 'sh', args: ['-c', script, 'run-limited', ...LIMITS, command, ...args] };
  }

  /** Ends all processes of that user, also those that have left their group and their parents, and removes all its files. */
  async sweep(): Promise<void> {
    const sweeper = () => run('sh', this.#sweeper(), { ...this.identity, cwd: '/', env: ENV });
    // Two at a time would end each other.
    this.#sweeping = this.#sweeping.then(sweeper);
    await this.#sweeping;
  }

  excess(hosts: readonly number[]): string | undefined {
    if (performance.now() - this.#lookedAt < LOOK_EVERY_MS) return undefined;
    this.#lookedAt = performance.now();
    const { uid } = this.identity;
    const all = processesOf(uid);
    if (all.length > MOST_PROCESSES) return `it started more than ${MOST_PROCESSES} processes`;
    const bytes = adopted(all, hosts).reduce((sum, process) => sum + process.bytes, 0);
    if (bytes > MOST_MEMORY_MB * MB) return `it took more than ${MOST_MEMORY_MB} MB of memory`;
    const left = leftBy(uid, this.#folders);
    if (left.bytes > MOST_DISK_MB * MB) return `it wrote more than ${MOST_DISK_MB} MB to the disk`;
    if (left.files > MOST_FILES) return `it wrote more than ${MOST_FILES} files`;
    return undefined;
  }

  /**
   * @param folder what submissions read, beside Node and the packages
   * @param reason why there is nothing better
   */
  static async open(folder: string, reason: string): Promise<OtherUser | NoOtherUser> {
    if (process.getuid?.() !== 0)
      return { reason: 'only root can start processes as somebody else' };
    const uid = await freeUser();
    if (uid === undefined) return { reason: 'this machine lets root become no other user' };
    const isolation = new OtherUser(folder, reason, uid, await writableByAll());
    const packages = join(ROOT, 'node_modules');
    for (const path of [process.execPath, PACKAGE, folder]) {
      const wall = await firstShut(path, isolation.identity);
      if (wall === undefined) continue;
      const isInPackages = wall.startsWith(packages);
      return {
        reason: `the user that submissions are to run as cannot read ${wall}`,
        advice: isInPackages
          ? `type: chmod -R go+rX ${quoted(packages)}`
          : `type: chmod go+x ${quoted(wall)}, or put ${path === process.execPath ? 'Node' : 'the workbook'} where everybody can read it`,
      };
    }
    return isolation;
  }

  #sweeper(): string[] {
    return ['-c', SWEEP, 'sweep-user', String(this.identity.uid), ...this.#folders];
  }
}

const ENV = { PATH: process.env.PATH };

/** Which of these paths such a user can read. */
export async function readableTo(identity: Identity, paths: readonly string[]): Promise<string[]> {
  const script = 'for path; do if [ -r "$path" ]; then printf "%s\\n" "$path"; fi; done';
  const { output } = await asUser(identity, script, paths);
  return paths.filter((path) => output.split('\n').includes(path));
}

/** A path as it is typed into a shell. */
export function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}

/** The first part of a path that is shut to such a user, from the root on. */
async function firstShut(path: string, identity: Identity): Promise<string | undefined> {
  const above: string[] = [];
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) above.unshift(at);
  const script = `last=$1; shift
for folder; do [ -x "$folder" ] || { printf %s "$folder"; exit; }; done
[ -r "$last" ] || [ -x "$last" ] || printf %s "$last"`;
  const { output } = await asUser(identity, script, [path, ...above]);
  return output === '' ? undefined : output;
}

/** A user that has no name, and no process. */
async function freeUser(): Promise<number | undefined> {
  for (const uid of [UNUSED + process.pid, UNUSED_SMALL + (process.pid % SMALL_ONES)]) {
    const known = await run('id', [String(uid)]);
    if (known.code === 0 || processesOf(uid).length > 0) continue;
    const { output } = await asUser({ uid, gid: uid }, 'id -u');
    if (output.trim() === String(uid)) return uid;
  }
  return undefined;
}

function asUser(identity: Identity, script: string, args: readonly string[] = []) {
  return run('sh', ['-c', script, 'sh', ...args], { ...identity, cwd: '/', env: ENV });
}
