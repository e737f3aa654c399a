import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../../system/process/temporary-folder.ts';
import { UserError } from '../../../system/process/user-error.ts';
import { hostArguments } from '../../supervisor/bundle.ts';
import { SubmissionCompiler } from '../../supervisor/compilers.ts';
import { HostPool } from '../../supervisor/host-pool.ts';
import type { Isolation } from '../../supervisor/isolation.ts';
import { chooseIsolation } from './choose-isolation.ts';
import { OtherUser, readableTo } from './other-user.ts';
import { Sandbox } from './sandbox.ts';
import type { Wall } from './walls.ts';

/** As much of a submission as can go wrong before the first student's does. */
const CORRECT = `import { Redis } from 'ioredis';
export const publishOrder = async (redis: Redis) => redis instanceof Redis;
`;

/** What stands between submissions and this machine. */
export interface Walls {
  readonly wall: Wall;
  /** One sentence for whoever reads the results. */
  readonly description: string;
  /** Which of these files and folders submissions can read. */
  readonly readable: (paths: readonly string[]) => Promise<string[]>;
}

/**
 * Finds out what can stand between submissions and this machine, and that a correct one can be loaded there: before a whole class
 * gets no points for what is no fault of theirs.
 *
 * @param wanted what was asked for; without it, the best that there is
 * @throws UserError when there is no such wall, or nothing can be loaded behind it
 */
export async function raiseWalls(wanted?: Wall): Promise<Walls> {
  const folder = temporaryFolder('redis-streams-probe-');
  // What is made here is for somebody else to read.
  const umask = process.umask(0o022);
  try {
    const isolation = await chooseIsolation(folder.path, wanted);
    await loadCorrectOne(folder.path, isolation);
    return describe(isolation);
  } finally {
    process.umask(umask);
    folder.remove();
  }
}

async function loadCorrectOne(folder: string, isolation: Isolation | undefined): Promise<void> {
  const file = join(folder, 'probe.ts');
  writeFileSync(file, CORRECT);
  const bundle = await new SubmissionCompiler(folder, isolation).compile(file, folder);
  const pool = new HostPool(hostArguments(folder), folder, isolation);
  const host = pool.take();
  const loaded = 'path' in bundle ? await host.load(bundle.path) : { ok: false, ...bundle };
  const printed = host.output.text.trim();
  await pool.stop();
  if (!('problem' in loaded)) return;
  const { problem } = loaded;
  const why =
    'message' in problem ? problem.message : 'how' in problem ? problem.how : problem.kind;
  throw new UserError(
    [
      `No submission can be graded here: a correct one, which was tried first, could not be loaded (${why}).`,
      ...(printed ? [printed] : []),
      ...(isolation instanceof OtherUser
        ? [
            'Submissions run as a user that owns nothing. Let it read the packages: chmod -R go+rX node_modules',
          ]
        : []),
    ].join('\n'),
  );
}

function describe(isolation: Isolation | undefined): Walls {
  const description =
    isolation?.description ?? 'none but processes of their own. Submissions can do what you can.';
  if (isolation instanceof Sandbox) {
    return { wall: 'sandbox', description, readable: async () => [] };
  }
  if (isolation instanceof OtherUser) {
    const { identity } = isolation;
    return { wall: 'user', description, readable: (paths) => readableTo(identity, paths) };
  }
  return { wall: 'none', description, readable: async (paths) => [...paths] };
}
