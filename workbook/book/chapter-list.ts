import { colour } from '../../system/terminal/colour.ts';
import { paragraph } from '../../system/terminal/paragraph.ts';
import { readChapters } from './chapters.ts';

/** So few columns that two beside one another are too narrow to read. */
const NARROW = 60;

/** The chapters with their programs, and what to type for each. */
export function chapterList(): string {
  const chapters = readChapters();
  const width = Math.max(...chapters.flatMap(({ programs }) => programs.map((p) => p.name.length)));
  const entries = chapters.map((chapter) => {
    const heading = `${colour.bold(`${chapter.number}  ${chapter.title}`)}`;
    const programs = chapter.programs.map(({ name, summary }) => {
      const isNarrow = process.stdout.columns < NARROW;
      const text = paragraph(summary, ' '.repeat(isNarrow ? 7 : width + 7));
      if (isNarrow) return `     ${name}\n${colour.dim(text)}`;
      return `     ${name.padEnd(width)}  ${colour.dim(text.trimStart())}`;
    });
    return [heading, ...programs].join('\n');
  });
  return [
    'Chapters, and the programs in them:',
    '',
    entries.join('\n\n'),
    '',
    'npm run chapter 1             plays a chapter',
    'npm run chapter 2 producer    runs one program of it (Ctrl+C ends it)',
  ].join('\n');
}
