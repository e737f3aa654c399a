import { commandArguments } from '../../system/arguments.ts';
import type { Command } from '../../system/process/lifetime.ts';
import { colour } from '../../system/terminal/colour.ts';
import { print, printGap } from '../../system/terminal/print.ts';
import { findChapter, findProgram } from '../book/chapters.ts';
import { notePlayed } from '../learner/progress-file.ts';

const USAGE = [
  'npm run chapter                        the list of chapters',
  'npm run chapter 4                      plays chapter 4',
  'npm run chapter 4 -- --live            ... and goes on until Ctrl+C',
  'npm run chapter 4 consumer alpha       runs one program of it, with its arguments',
];

export const command: Command = async (lifetime, typed) => {
  const { positionals, has, rest } = commandArguments(typed, {
    usage: USAGE,
    flags: ['live'],
    // What follows the program's name is the program's own business.
    restAfter: 2,
  });
  const [wanted, programName] = positionals;
  if (!wanted) {
    const { chapterList } = await import('../book/chapter-list.ts');
    print(chapterList());
    return 0;
  }

  const chapter = findChapter(wanted);
  const program = programName ? findProgram(chapter, programName) : undefined;
  if (!program) {
    print(colour.bold(`Chapter ${chapter.number}: ${chapter.title}`));
    printGap();
  }
  // Loaded now that the first line is on the screen: it takes longer than a Redis takes to start.
  const { playScene, printWhatNext, runProgram } = await import('../book/play.ts');
  if (program) return runProgram(program, rest, lifetime);
  const code = await playScene(chapter, has('live'), lifetime);
  if (code === 0) {
    await notePlayed(chapter.number);
    printWhatNext(chapter);
  }
  return code;
};
