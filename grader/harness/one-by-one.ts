import type { Recorded } from './recorder.ts';

/**
 * The commands that came each on its own, neither from a script nor in a MULTI: between one of these and the next, a process
 * may die. MONITOR shows what EXEC runs right before the EXEC.
 */
export function sentAlone(commands: readonly Recorded[]): Recorded[] {
  const together = new Set<Recorded>();
  for (const [index, { worker, args }] of commands.entries()) {
    if (!/^exec$/i.test(args[0] ?? '')) continue;
    for (let at = index - 1; at >= 0; at--) {
      const before = commands[at];
      if (before?.worker === '(script)') continue;
      if (before?.worker !== worker || /^multi$/i.test(before.args[0] ?? '')) break;
      together.add(before);
    }
  }
  return commands.filter((command) => command.worker !== '(script)' && !together.has(command));
}
