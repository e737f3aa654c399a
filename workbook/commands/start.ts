import { readExercises } from '../../grader/exercises.ts';
import { commandArguments } from '../../system/arguments.ts';
import type { Command, Lifetime } from '../../system/process/lifetime.ts';
import { colour } from '../../system/terminal/colour.ts';
import { isInteractive } from '../../system/terminal/keys.ts';
import { paragraph } from '../../system/terminal/paragraph.ts';
import { print } from '../../system/terminal/print.ts';
import { readChapters } from '../book/chapters.ts';
import { examine } from '../doctor/examine.ts';
import { hasProgress } from '../learner/progress-file.ts';
import { plainMenu, runMenu } from '../menu/menu.ts';

export const command: Command = async (lifetime, typed) => {
  commandArguments(typed, { usage: ['npm start      the menu'] });
  print(colour.bold('The Redis Streams workbook'));
  print('');
  const greeting = hasProgress() ? undefined : await welcome(lifetime);
  if (isInteractive()) {
    lifetime.endWithCtrlC();
    await runMenu(lifetime, greeting);
  } else {
    if (greeting) print(`${greeting}\n`);
    print(plainMenu());
  }
  return 0;
};

/** Said once, at the very beginning: what this is, how long it takes, and what is missing, if anything is. */
async function welcome(lifetime: Lifetime): Promise<string> {
  const exercises = readExercises().length;
  const said = [
    paragraph(
      `A book you can run: ${readChapters().length} chapters, each with a lesson of a quarter of an hour and a scene that plays for some seconds, and ${exercises} challenges, an evening each, which are graded here.`,
    ),
    paragraph(
      'Everything runs on a real Redis, which starts and ends with each command. If there is none on this machine, the first chapter fetches one: seconds on Debian and Ubuntu, a minute or two elsewhere. Nothing is installed.',
    ),
  ];
  for await (const { state, what, finding, advice } of examine(lifetime)) {
    if (state !== 'bad') continue;
    const missing = paragraph(`${colour.red('Missing')}  ${what}: ${finding}`);
    said.push(advice ? `${missing}\n${paragraph(`-> ${advice}`, '  ')}` : missing);
  }
  return said.join('\n\n');
}
