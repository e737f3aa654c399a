import { UserError } from '../../../system/process/user-error.ts';
import type { Isolation } from '../../supervisor/isolation.ts';
import { LimitedProcesses } from './limited-processes.ts';
import { OtherUser } from './other-user.ts';
import { Sandbox } from './sandbox.ts';
import type { Wall } from './walls.ts';

/**
 * The isolation that was asked for, or else the best that this machine offers: namespaces, or else another user (for root alone,
 * as in most containers), or else limits; undefined where there are not even these.
 *
 * @param folder what submissions read: the host, and their own bundles
 * @throws UserError when what was asked for cannot be had, and when submissions would run as root although nobody has asked for that
 */
export async function chooseIsolation(folder: string, wall?: Wall): Promise<Isolation | undefined> {
  if (process.platform === 'win32') {
    if (wall === undefined || wall === 'none') return undefined;
    throw new UserError(
      `--walls ${wall} cannot be had on Windows. Grade strangers' code with --docker.`,
    );
  }
  if (wall === 'none') return new LimitedProcesses(folder, 'as --walls none says');
  const sandbox = wall === 'user' ? { reason: 'as --walls user says' } : await Sandbox.open(folder);
  if (sandbox instanceof Sandbox) return sandbox;
  if (wall === 'sandbox') {
    throw new UserError(
      `There is no sandbox on this machine: ${sandbox.reason}.${advise(sandbox)}`,
    );
  }
  const user = await OtherUser.open(folder, sandbox.reason);
  if (user instanceof OtherUser) return user;
  if (wall === 'user') {
    throw new UserError(
      `--walls user cannot be had on this machine: ${user.reason}.${advise(user)}`,
    );
  }
  if (process.getuid?.() !== 0) return new LimitedProcesses(folder, sandbox.reason);
  throw new UserError(
    [
      'Submissions would run as root, with nothing between them and this machine.',
      `No sandbox: ${sandbox.reason}.${advise(sandbox)}`,
      `No other user: ${user.reason}.${advise(user)}`,
      'To grade without walls all the same: --walls none',
    ].join('\n'),
  );
}

function advise({ advice }: { readonly advice?: string }): string {
  return advice ? `\nTo mend it, ${advice}` : '';
}
