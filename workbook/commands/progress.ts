import { commandArguments } from '../../system/arguments.ts';
import { shownPath } from '../../system/paths.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { colour } from '../../system/terminal/colour.ts';
import { print } from '../../system/terminal/print.ts';
import { overview } from '../learner/overview.ts';
import { PROGRESS_FILE, readProgress } from '../learner/progress-file.ts';
import { nextStep, readStandings } from '../learner/standing.ts';

const USAGE = [
  'npm run progress              how far you have come',
  'npm run progress -- --json    the same, for a program',
];

export const command: Command = async (_lifetime, typed) => {
  const { has } = commandArguments(typed, { usage: USAGE, flags: ['json'] });
  const progress = readProgress();
  const standings = readStandings(progress);
  const next = nextStep(progress, standings);
  if (has('json')) {
    const exercises = standings.map(({ exercise, passed, points, of, hints, solved }) => ({
      name: exercise.name,
      passed: passed.map(({ id }) => id),
      requirements: exercise.requirements.length,
      points,
      of,
      hints,
      solved,
    }));
    print(JSON.stringify({ chapters: progress.chapters, exercises, next: next.command }, null, 2));
    return 0;
  }
  print(overview(progress, standings));
  print('');
  const hints = standings.reduce((sum, standing) => sum + standing.hints, 0);
  print(`Hints taken: ${hints}`);
  print(`Next:        ${next.what}`);
  print(`             ${colour.cyan(next.command)}`);
  print(
    colour.dim(`As of the last grading of each requirement; kept in ${shownPath(PROGRESS_FILE)}`),
  );
  return 0;
};
