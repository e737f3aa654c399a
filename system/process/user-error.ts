/**
 * Something that the person at the keyboard can put right. It is shown as its message, without a
 * stack trace, and ends the command with exit code 1. Everything else that is thrown is a bug of
 * the workbook and keeps its stack.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
}

/** Thrown when a command was asked how it is typed: its message is the answer, and all is well. */
export class HelpAsked extends Error {
  override readonly name = 'HelpAsked';
}

/** The code of a system error such as `ENOENT`, or undefined for any other value. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** The message of whatever was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const FILE_SYSTEM_TROUBLE: Record<string, string> = {
  ENOSPC: 'The disk is full',
  EDQUOT: 'Your disk quota is used up',
  EROFS: 'The file system is read-only',
  EACCES: 'Permission was denied',
  EPERM: 'The system does not allow it',
  ENOENT: 'There is no such folder',
  ENOTDIR: 'A part of the path is no folder',
  EEXIST: 'Something else has that name',
};

/** Says in words what a file system refused, or gives the error back when it is something else. */
export function fileSystemTrouble(error: unknown, doing: string): unknown {
  const trouble = FILE_SYSTEM_TROUBLE[errorCode(error) ?? ''];
  if (!trouble) return error;
  return new UserError(`${trouble}: cannot ${doing}.\n(${errorMessage(error)})`);
}
