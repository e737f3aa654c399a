import { expect } from 'vitest';
import type { Command, Lifetime } from '../../system/process/lifetime.ts';
import { errorMessage, UserError } from '../../system/process/user-error.ts';
import type { Bench, CommandResult } from './workbook.ts';

const WAIT = { timeout: 15_000 };

/** Of a command that ends before anything has to be tidied up. */
const shortLife = (): Lifetime => ({
  signal: new AbortController().signal,
  atEnd: () => {},
  endWithCtrlC: () => {},
  withoutCtrlC: (task) => task(),
});

/**
 * Runs a command in this process, and expects it to refuse these words with this message.
 * `tests/commands/refusals.test.ts` shows what becomes of such a message in a process of its own.
 */
export async function expectRefused(
  command: Command,
  typed: readonly string[],
  message: string,
): Promise<void> {
  const refusal: unknown = await command(shortLife(), typed).catch((error: unknown) => error);

  expect(refusal).toBeInstanceOf(UserError);
  expect(errorMessage(refusal)).toContain(message);
}

/** Expects a command to have ended with this message on standard error, exit code 1, and no stack trace. */
export function expectRefusal({ code, stderr }: CommandResult, message: string | RegExp): void {
  if (typeof message === 'string') expect(stderr).toContain(message);
  else expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(code).toBe(1);
}

/** Expects every process of a bench to end, and no files to be left but `kept`. */
export async function expectNothingLeft(bench: Bench, ...kept: string[]): Promise<void> {
  await expect.poll(() => bench.survivors(), WAIT).toEqual([]);
  const left = () => bench.leftFiles().filter((name) => !kept.includes(name));
  await expect.poll(left, WAIT).toEqual([]);
}
