import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '../../system/paths.ts';
import { guard } from '../../system/process/guardian.ts';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { colour } from '../../system/terminal/colour.ts';
import { anyKey } from '../../system/terminal/keys.ts';
import { print } from '../../system/terminal/print.ts';

/** They leave nothing on the screen that one would want to read before the menu comes back. */
const FULL_SCREEN = new Set(['lesson', 'learn']);

/** Runs a command of the workbook on this terminal, as if it had been typed, and says what would have to be typed. */
export async function runTyped(words: readonly string[], lifetime: Lifetime): Promise<void> {
  const [command = '', ...args] = words;
  print(colour.dim(`$ ${typed(command, args)}`));
  print('');
  const child = spawn(process.execPath, [join(ROOT, 'workbook', 'launch.cjs'), command, ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  guard(child);
  // Ctrl+C is for the command; the menu comes back when that has ended.
  await lifetime.withoutCtrlC(() => once(child, 'exit'));
  if (lifetime.signal.aborted || FULL_SCREEN.has(command)) return;
  print(colour.dim('\nAny key: back to the menu'));
  await anyKey(lifetime.signal);
  print('');
}

/** The command line for it: flags need two dashes before them, or npm keeps them. */
export function typed(command: string, args: readonly string[]): string {
  const words = args.filter((arg) => !arg.startsWith('--'));
  const flags = args.filter((arg) => arg.startsWith('--'));
  return ['npm run', command, ...words, ...(flags.length > 0 ? ['--', ...flags] : [])].join(' ');
}
