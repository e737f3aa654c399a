import { findExercise, findRequirement } from '../../grader/catalogue.ts';
import { commandArguments } from '../arguments.ts';
import { readChapters } from '../book/catalogue.ts';
import { runCommand } from '../process/lifetime.ts';
import { UserError } from '../process/user-error.ts';
import { colour } from '../terminal/colour.ts';
import { paragraph } from '../terminal/paragraph.ts';
import { print } from '../terminal/print.ts';

const USAGE = [
  'npm run hint orders 3          the first hint for requirement 3 of the exercise orders',
  'npm run hint orders 3 2        the first two; they go from a nudge to almost the answer',
];

runCommand(async () => {
  const { positionals } = commandArguments({ usage: USAGE });
  const [name, number, count = '1', ...more] = positionals;
  if (!name || !number || more.length > 0) throw new UserError(USAGE.join('\n'));
  const exercise = findExercise(name);
  const { requirement, number: found } = findRequirement(exercise, number);
  const { hints, lesson, title } = requirement;
  const shown = Number(count);
  if (!(Number.isInteger(shown) && shown >= 1 && shown <= hints.length)) {
    throw new UserError(`There are ${hints.length} hints for this requirement, not ${count}.`);
  }

  print(colour.bold(paragraph(`${found}. ${title}`)));
  for (const [index, hint] of hints.slice(0, shown).entries()) {
    print('');
    print(paragraph(`Hint ${index + 1}. ${hint}`));
  }
  print('');
  const chapter = readChapters().find((candidate) => candidate.number === lesson.chapter);
  print(paragraph(`To read: chapter ${lesson.chapter}, ${chapter?.title}: "${lesson.heading}"`));
  if (shown < hints.length) {
    print(`The next hint: ${colour.cyan(`npm run hint ${exercise.name} ${found} ${shown + 1}`)}`);
  }
  return 0;
});
