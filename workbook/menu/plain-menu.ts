import { colour } from '../../system/terminal/colour.ts';
import { overview } from '../learner/overview.ts';
import { readProgress } from '../learner/progress-file.ts';
import { readStandings, suggest } from '../learner/standing.ts';
import { readEntries } from './menu-entries.ts';

const LABEL_WIDTH = 48;

/** The menu for pipes, CI and screen readers: the same, as text. */
export function plainMenu(): string {
  const progress = readProgress();
  const next = suggest(progress, readStandings(progress));
  const rows = readEntries().flatMap(({ label, command, list = [], inFull }) =>
    inFull
      ? [label, ...list.map((entry) => row(`  ${entry.label}`, entry.command))]
      : [row(label, command ?? list[0]?.command)],
  );
  return [overview(progress), '', row(`Next: ${next.what}`, next.command), '', ...rows].join('\n');
}

function row(what: string, command = ''): string {
  const indent = ' '.repeat(LABEL_WIDTH);
  const label = what.length < LABEL_WIDTH ? what.padEnd(LABEL_WIDTH) : `${what}\n${indent}`;
  return label + colour.cyan(command);
}
