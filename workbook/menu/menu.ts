import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { isCancel, select } from '@clack/prompts';
import { ROOT } from '../../system/paths.ts';
import { guard } from '../../system/process/guardian.ts';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { colour } from '../../system/terminal/colour.ts';
import { anyKey } from '../../system/terminal/keys.ts';
import { print } from '../../system/terminal/print.ts';
import { cut } from '../../system/terminal/width.ts';
import { overview } from '../learner/overview.ts';
import { readProgress } from '../learner/progress-file.ts';
import { nextStep } from '../learner/standing.ts';
import { type Entry, readEntries } from './menu-entries.ts';

/** They leave nothing on the screen that one would want to read before the menu comes back, unless they fail. */
const FULL_SCREEN = new Set(['lesson', 'learn', 'diff', 'watch-stream']);
const LABEL_WIDTH = 70;
const PLAIN_LABEL_WIDTH = 48;
/** Lines of the screen that the list must leave free: the heading, the question, the help below it. */
const LINES_AROUND = 7;
const SHORTEST_LIST = 5;
const LEAVE: Entry = { label: 'Leave' };
const BACK: Entry = { label: 'Back' };

/**
 * The menu, again and again, until somebody leaves it.
 *
 * @param welcome what to begin with, for somebody who has no progress to look at yet
 */
export async function runMenu(lifetime: Lifetime, welcome: string | undefined): Promise<void> {
  let greeting = welcome;
  for (;;) {
    const progress = readProgress();
    const next = nextStep(progress);
    const above = `${greeting ?? overview(progress)}\n`;
    greeting = undefined;
    print(above);
    const first: Entry = { label: `Next: ${next.what}`, command: next.command };
    let entry = await choose(
      'What would you like to do? (Esc: leave)',
      [first, ...readEntries(), LEAVE],
      above,
      lifetime,
    );
    if (entry === BACK) return;
    if (entry.list) {
      entry = await choose(`${entry.label} (Esc: back)`, [...entry.list, BACK], '', lifetime);
    }
    if (entry.command) entry = await runTyped(entry.command, lifetime);
    if (entry === LEAVE || lifetime.signal.aborted) return;
  }
}

/**
 * One of these; for Esc and Ctrl+C, `BACK` and `LEAVE`. The command for the one that is marked stands beside it.
 *
 * @param above the text that is to stay on the screen, above the list
 */
async function choose(
  message: string,
  choices: readonly Entry[],
  above: string,
  lifetime: Lifetime,
): Promise<Entry> {
  const linesAround = above.split('\n').length + LINES_AROUND;
  let isCtrlC = false;
  const onKey = (_text: unknown, { name, ctrl }: { name?: string; ctrl?: boolean }) => {
    isCtrlC = name === 'c' && ctrl === true;
  };
  // To select(), Esc and Ctrl+C are the same; to us, one goes back and the other leaves.
  process.stdin.on('keypress', onKey);
  const chosen = await select({
    message,
    options: choices.map((choice, value) => ({
      value,
      label: cut(choice.label, LABEL_WIDTH),
      ...(choice.command ? { hint: choice.command } : {}),
    })),
    maxItems: Math.max(SHORTEST_LIST, process.stdout.rows - linesAround),
    // A signal of its own: select() keeps listening to it for ever.
    signal: AbortSignal.any([lifetime.signal]),
  });
  process.stdin.off('keypress', onKey);
  if (isCancel(chosen)) return isCtrlC ? LEAVE : BACK;
  return choices[chosen] ?? BACK;
}

/** The menu for pipes, CI and screen readers: the same, as text. */
export function plainMenu(): string {
  const progress = readProgress();
  const next = nextStep(progress);
  const rows = readEntries().flatMap(({ label, command, list = [], inFull }) =>
    inFull
      ? [label, ...list.map((entry) => row(`  ${entry.label}`, entry.command))]
      : [row(label, command ?? list[0]?.command)],
  );
  return [overview(progress), '', row(`Next: ${next.what}`, next.command), '', ...rows].join('\n');
}

function row(what: string, command = ''): string {
  const indent = ' '.repeat(PLAIN_LABEL_WIDTH);
  const label =
    what.length < PLAIN_LABEL_WIDTH ? what.padEnd(PLAIN_LABEL_WIDTH) : `${what}\n${indent}`;
  return label + colour.cyan(command);
}

/**
 * Runs a command of the workbook on this terminal, as if it had been typed: `npm run chapter 4`.
 *
 * @returns where to go on: `BACK` to the menu, or `LEAVE`
 */
async function runTyped(command: string, lifetime: Lifetime): Promise<Entry> {
  print(colour.dim(`$ ${command}\n`));
  const [, , name = '', ...args] = command.split(' ');
  const child = spawn(process.execPath, [join(ROOT, 'workbook', 'launch.cjs'), name, ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  guard(child);
  // Ctrl+C is for the command; the menu comes back when that has ended.
  const [code] = await lifetime.withoutCtrlC(() => once(child, 'exit'));
  if (lifetime.signal.aborted || (code === 0 && FULL_SCREEN.has(name))) return BACK;
  print(colour.dim('\nAny key: back to the menu   Ctrl+C: leave'));
  const key = await anyKey(lifetime.signal);
  print('');
  return key === 'ctrl+c' ? LEAVE : BACK;
}
