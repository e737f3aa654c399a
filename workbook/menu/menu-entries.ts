import { existsSync } from 'node:fs';
import { readExercises } from '../../grader/exercises.ts';
import { SOLUTIONS } from '../../system/paths.ts';
import { readChapters } from '../book/chapters.ts';

/** Something to choose in the menu: a command, as it is typed, or a list of them. */
export interface Entry {
  readonly label: string;
  readonly command?: string;
  readonly list?: readonly Entry[];
  /** Where the menu is mere text, all of the list is shown, and not only an example. */
  readonly inFull?: boolean;
}

export function readEntries(): Entry[] {
  const chapters = readChapters();
  const exercises = readExercises();
  const eachChapter = (command: string) =>
    chapters.map(({ number, title }) => ({
      label: `${number}. ${title}`,
      command: `npm run ${command} ${number}`,
    }));
  const eachExercise = (command: string) =>
    exercises.map(({ number, title, name }) => ({
      label: `${number}. ${title}`,
      command: `npm run ${command} ${name}`,
    }));
  const eachProgram = chapters.flatMap(({ number, title, programs }) =>
    programs.map(({ name }) => ({
      label: `${number}. ${title}: ${name}`,
      command: `npm run chapter ${number} ${name}`,
    })),
  );
  return [
    { label: 'Read a lesson', list: eachChapter('lesson') },
    { label: 'Play a chapter', list: eachChapter('chapter'), inFull: true },
    { label: 'Run one program of a chapter', list: eachProgram },
    { label: 'Read the tasks of an exercise', list: eachExercise('lesson') },
    { label: 'Work on an exercise', list: eachExercise('learn'), inFull: true },
    { label: 'Grade an exercise', list: eachExercise('grade') },
    { label: 'Grade all exercises', command: 'npm run grade' },
    { label: 'Get a hint', list: eachExercise('hint') },
    ...(existsSync(SOLUTIONS)
      ? [{ label: 'Compare with the solution', list: eachExercise('diff') }]
      : []),
    { label: 'Begin an exercise again; a copy is kept', list: eachExercise('reset') },
    { label: 'Bring a copy back', list: eachExercise('restore') },
    { label: 'How far you have come', command: 'npm run progress' },
    { label: 'A Redis for several terminals', command: 'npm run redis' },
    { label: 'A Redis prompt', command: 'npm run cli' },
    { label: 'A live view of all streams', command: 'npm run watch-stream' },
    { label: 'Is anything missing here?', command: 'npm run doctor' },
  ];
}
