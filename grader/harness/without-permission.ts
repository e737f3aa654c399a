import type { Trial } from './trial.ts';

/**
 * Runs a task while the server refuses a command to the submission (NOPERM), as an ACL does that somebody has forgotten to adapt.
 *
 * @param command as ACL names it: `xgroup|create`
 */
export async function withoutPermission<Submission, Result>(
  { redis }: Trial<Submission>,
  command: string,
  task: () => Promise<Result>,
): Promise<Result> {
  await redis.acl('SETUSER', 'default', `-${command}`);
  try {
    return await task();
  } finally {
    await redis.acl('SETUSER', 'default', `+${command}`);
    // The submission did nothing that is forbidden.
    await redis.acl('LOG', 'RESET');
  }
}
