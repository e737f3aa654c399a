import { existsSync } from 'node:fs';
import { readExercises } from '../../grader/exercises.ts';
import { SOLUTIONS } from '../../system/paths.ts';
import { colour } from '../../system/terminal/colour.ts';
import { readChapters } from '../book/chapters.ts';
import { overview } from '../learner/overview.ts';
import { readProgress } from '../learner/progress-file.ts';
import { readStandings, suggest } from '../learner/standing.ts';

/** The menu for pipes, CI and screen readers: the same, as text. */
export function plainMenu(): string {
  const progress = readProgress();
  const next = suggest(progress, readStandings(progress));
  const lines = [overview(progress), '', row(`Next: ${next.what}`, next.command), ''];
  for (const { number, title } of readChapters()) {
    lines.push(row(`Chapter ${number}, ${title}`, `npm run chapter ${number}`));
  }
  for (const { number, title, name } of readExercises()) {
    lines.push(row(`Exercise ${number}, ${title}`, `npm run learn ${name}`));
  }
  const rows = [
    ['Read a lesson, or the tasks of an exercise', 'npm run lesson 1'],
    ['All programs of the chapters', 'npm run chapter'],
    ['Grade everything, or one exercise', 'npm run grade orders'],
    ['The next hint', 'npm run hint orders'],
    ...(existsSync(SOLUTIONS) ? [['Compare with the solution', 'npm run diff orders']] : []),
    ['Begin again; a copy is kept', 'npm run reset orders'],
    ['Bring a copy back', 'npm run restore orders'],
    ['How far you have come', 'npm run progress'],
    ['A Redis for several terminals', 'npm run redis'],
    ['A prompt on it', 'npm run cli'],
    ['A live view of a stream on it', 'npm run watch-stream'],
    ['Is anything missing here?', 'npm run doctor'],
  ];
  lines.push('', ...rows.map(([what = '', command = '']) => row(what, command)));
  return lines.join('\n');
}

function row(what: string, command: string): string {
  return what.length > 46
    ? `  ${what}\n  ${' '.repeat(48)}${colour.cyan(command)}`
    : `  ${what.padEnd(48)}${colour.cyan(command)}`;
}
