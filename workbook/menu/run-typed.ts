import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '../../system/paths.ts';
import { guard } from '../../system/process/guardian.ts';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { colour } from '../../system/terminal/colour.ts';
import { anyKey } from '../../system/terminal/keys.ts';
import { print } from '../../system/terminal/print.ts';

/** They leave nothing on the screen that one would want to read before the menu comes back, unless they fail. */
const FULL_SCREEN = new Set(['lesson', 'learn', 'diff', 'watch-stream']);

/** Runs a command of the workbook on this terminal, as if it had been typed: `npm run chapter 4`. */
export async function runTyped(command: string, lifetime: Lifetime): Promise<void> {
  print(colour.dim(`$ ${command}\n`));
  const [, , name = '', ...args] = command.split(' ');
  const child = spawn(process.execPath, [join(ROOT, 'workbook', 'launch.cjs'), name, ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  guard(child);
  // Ctrl+C is for the command; the menu comes back when that has ended.
  const [code] = await lifetime.withoutCtrlC(() => once(child, 'exit'));
  if (lifetime.signal.aborted || (code === 0 && FULL_SCREEN.has(name))) return;
  print(colour.dim('\nAny key: back to the menu'));
  await anyKey(lifetime.signal);
  print('');
}
