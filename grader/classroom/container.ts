import { randomUUID } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../system/process/run-program.ts';
import { UserError } from '../../system/process/user-error.ts';
import type { Launch } from './grading-process.ts';
import type { Wall } from './isolation/walls.ts';

/** Where a container finds what has been handed in. */
const INSIDE = '/submissions';
const LIMITS = [
  ['--network', 'none'],
  ['--read-only', '--tmpfs', '/tmp:mode=1777,size=1g'],
  // The worker is root in there, and starts submissions as somebody else; it needs to do so, and to end them.
  ['--cap-drop', 'ALL', '--cap-add', 'SETUID', '--cap-add', 'SETGID', '--cap-add', 'KILL'],
  ['--security-opt', 'no-new-privileges', '--pids-limit', '500', '--memory', '2g'],
].flat();
const BUILD = 'docker build --tag IMAGE --file grader/classroom/Dockerfile .';

/**
 * Starts workers in containers of this image, which holds Node, a Redis and the workbook. All that they see of this machine is
 * the copy of the submission that they grade.
 *
 * @throws UserError when Docker does not run, or has no such image
 */
export async function containersOf(image: string): Promise<Launch> {
  const { code, output } = await run('docker', ['image', 'inspect', '--format', '{{.Id}}', image]);
  if (code !== 0) {
    throw new UserError(
      `Docker cannot use the image ${image}: ${output.trim() || 'it said nothing'}\n` +
        `To build one: ${BUILD.replace('IMAGE', image)}`,
    );
  }
  return (folder, args) => {
    // In a container, root is not allowed to look into what belongs to others.
    chmodSync(folder, 0o755);
    const name = `redis-streams-workbook-${randomUUID()}`;
    const mount = `type=bind,source=${folder},target=${INSIDE},readonly`;
    return {
      command: 'docker',
      args: [
        ...['run', '--rm', '--interactive', '--init', '--name', name, ...LIMITS],
        ...['--mount', mount, image, 'node', ...args],
      ],
      pathInside: (...parts) => [INSIDE, ...parts].join('/'),
      end: async () => {
        await run('docker', ['kill', name]);
      },
    };
  };
}

/** Starts workers here, behind these walls. */
export function onThisMachine(wall: Wall): Launch {
  return (folder, args) => ({
    command: process.execPath,
    args: [...args, wall],
    pathInside: (...parts) => join(folder, ...parts),
    end: async () => {},
  });
}
