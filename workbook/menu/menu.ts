import { existsSync } from 'node:fs';
import { isCancel, select } from '@clack/prompts';
import { readExercises } from '../../grader/exercises.ts';
import { SOLUTIONS } from '../../system/paths.ts';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { print } from '../../system/terminal/print.ts';
import { cut } from '../../system/terminal/width.ts';
import { readChapters } from '../book/chapters.ts';
import { overview } from '../learner/overview.ts';
import { readProgress } from '../learner/progress-file.ts';
import { readStandings, suggest } from '../learner/standing.ts';
import { runTyped, typed } from './run-typed.ts';

/** Something to choose: a command, in the words of the command line; another list; or, without either, a way back. */
interface Choice {
  readonly label: string;
  readonly words?: readonly string[];
  readonly choices?: () => Choice[];
}

const LABEL_WIDTH = 70;
/** Lines of the screen that the list must leave free: the heading, the question, the help below it. */
const LINES_AROUND = 7;
const SHORTEST_LIST = 5;
const LEAVE: Choice = { label: 'Leave' };
const BACK: Choice = { label: 'Back' };

/**
 * The menu, again and again, until somebody leaves it.
 *
 * @param welcome what to begin with, for somebody who has no progress to look at yet
 */
export async function runMenu(lifetime: Lifetime, welcome: string | undefined): Promise<void> {
  let greeting = welcome;
  for (;;) {
    const progress = readProgress();
    const next = suggest(progress, readStandings(progress));
    const above = `${greeting ?? overview(progress)}\n`;
    greeting = undefined;
    print(above);
    const first: Choice = { label: `Next: ${next.what}`, words: wordsOf(next.command) };
    const entry = await choose(
      'What would you like to do? (Esc: leave)',
      [first, ...entries(), LEAVE],
      above,
      lifetime,
    );
    if (!entry || entry === LEAVE) return;
    if (entry.words) await runTyped(entry.words, lifetime);
    else if (entry.choices) await runChoice(entry.label, entry.choices(), lifetime);
    if (lifetime.signal.aborted) return;
  }
}

async function runChoice(
  message: string,
  choices: readonly Choice[],
  lifetime: Lifetime,
): Promise<void> {
  const choice = await choose(`${message} (Esc: back)`, [...choices, BACK], '', lifetime);
  if (choice?.words) await runTyped(choice.words, lifetime);
}

function entries(): Choice[] {
  const exercises = readExercises();
  const forEach = (label: string, command: string, ...flags: string[]): Choice => ({
    label,
    choices: () =>
      exercises.map(({ number, title, name }) => ({
        label: `${number}. ${title}`,
        words: [command, name, ...flags],
      })),
  });
  return [
    {
      label: 'Read a lesson',
      choices: () =>
        readChapters().map(({ number, title }) => ({
          label: `${number}. ${title}`,
          words: ['lesson', String(number)],
        })),
    },
    {
      label: 'Play a chapter',
      choices: () =>
        readChapters().map(({ number, title }) => ({
          label: `${number}. ${title}`,
          words: ['chapter', String(number)],
        })),
    },
    {
      label: 'Run one program of a chapter',
      choices: programs,
    },
    forEach('Read the tasks of an exercise', 'lesson'),
    forEach('Work on an exercise', 'learn'),
    forEach('Grade an exercise', 'grade'),
    { label: 'Grade all exercises', words: ['grade'] },
    forEach('Get a hint', 'hint'),
    ...(existsSync(SOLUTIONS) ? [forEach('Compare with the solution', 'diff')] : []),
    forEach('Begin an exercise again', 'reset'),
    forEach('Bring a copy back', 'restore'),
    { label: 'A Redis prompt', words: ['cli'] },
    { label: 'Is anything missing here?', words: ['doctor'] },
  ];
}

function programs(): Choice[] {
  return readChapters().flatMap(({ number, title, programs }) =>
    programs.map(({ name }) => ({
      label: `${number}. ${title}: ${name}`,
      words: ['chapter', String(number), name],
    })),
  );
}

/**
 * One of these, or undefined for Esc and Ctrl+C. The command for the one that is marked stands beside it.
 *
 * @param above the text that is to stay on the screen, above the list
 */
async function choose(
  message: string,
  choices: readonly Choice[],
  above: string,
  lifetime: Lifetime,
): Promise<Choice | undefined> {
  const linesAround = above.split('\n').length + LINES_AROUND;
  const chosen = await select({
    message,
    options: choices.map((choice, value) => ({
      value,
      label: cut(choice.label, LABEL_WIDTH),
      ...(choice.words ? { hint: typed(choice.words[0] ?? '', choice.words.slice(1)) } : {}),
    })),
    maxItems: Math.max(SHORTEST_LIST, process.stdout.rows - linesAround),
    // A signal of its own: select() keeps listening to it for ever.
    signal: AbortSignal.any([lifetime.signal]),
  });
  if (isCancel(chosen)) return undefined;
  return choices[chosen];
}

function wordsOf(command: string): string[] {
  return command.replace(/^npm run /, '').split(' ');
}
