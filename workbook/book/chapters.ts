import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CHAPTERS } from '../../system/paths.ts';
import { UserError } from '../../system/process/user-error.ts';

/** A folder under `chapters/`. */
export interface Chapter {
  readonly number: number;
  /** What follows the number in the folder's name: `consumer-groups`. */
  readonly slug: string;
  /** The heading of the lesson, without its number. */
  readonly title: string;
  readonly folder: string;
  readonly programs: readonly Program[];
}

/** A file of a chapter that can be run by itself. */
export interface Program {
  /** The file's name without its ending. */
  readonly name: string;
  readonly file: string;
  /** What it shows: the first sentence of the comment that it opens with. */
  readonly summary: string;
}

const CHAPTER_FOLDER = /^(\d\d)-(.+)$/;
const SCENE = 'scene.ts';

/** All chapters, in order, as the folders say. */
export function readChapters(): Chapter[] {
  return readdirSync(CHAPTERS)
    .sort()
    .flatMap((name) => {
      const [, number, slug] = CHAPTER_FOLDER.exec(name) ?? [];
      if (!number || !slug) return [];
      const folder = join(CHAPTERS, name);
      return [
        {
          number: Number(number),
          slug,
          folder,
          title: readTitle(folder),
          programs: readPrograms(folder),
        },
      ];
    });
}

/**
 * The chapter that `wanted` means: its number (`3`, `03`), its slug, or any unmistakable part of it.
 *
 * @throws UserError when no chapter, or more than one, is meant
 */
export function findChapter(wanted: string): Chapter {
  const chapters = readChapters();
  const number = /^\d+$/.test(wanted) ? Number(wanted) : undefined;
  const meant = chapters.filter((chapter) =>
    number === undefined ? chapter.slug.includes(wanted.toLowerCase()) : chapter.number === number,
  );
  const [chapter] = meant;
  if (chapter && meant.length === 1) return chapter;
  const choice = (meant.length > 1 ? meant : chapters).map((c) => `${c.number} (${c.slug})`);
  throw new UserError(
    meant.length > 1
      ? `'${wanted}' could be chapter ${choice.join(' or ')}.`
      : `There is no chapter '${wanted}'; there are ${choice.join(', ')}.`,
  );
}

/**
 * The program of `chapter` that `wanted` means: its name, or any unmistakable part of it.
 *
 * @throws UserError when no program, or more than one, is meant
 */
export function findProgram(chapter: Chapter, wanted: string): Program {
  const name = basename(wanted, '.ts').toLowerCase();
  const exact = chapter.programs.find((program) => program.name === name);
  const meant = chapter.programs.filter((program) => program.name.includes(name));
  const program = exact ?? (meant.length === 1 ? meant[0] : undefined);
  if (program) return program;
  const choice = (meant.length > 1 ? meant : chapter.programs).map((p) => p.name);
  throw new UserError(
    meant.length > 1
      ? `'${wanted}' could be ${choice.join(' or ')}.`
      : `Chapter ${chapter.number} has no program '${wanted}'; it has ${choice.join(', ')}.`,
  );
}

/** The file that plays a chapter's scene, and the pages of its lesson. */
export function sceneFile(chapter: Chapter): string {
  return join(chapter.folder, SCENE);
}

export function lessonFile(chapter: Chapter): string {
  return join(chapter.folder, 'README.md');
}

function readLesson(folder: string): string {
  const lesson = join(folder, 'README.md');
  return existsSync(lesson) ? readFileSync(lesson, 'utf8') : '';
}

function readTitle(folder: string): string {
  const heading = /^# +(.+)$/m.exec(readLesson(folder))?.[1] ?? basename(folder);
  return heading.replace(/^(chapter )?\d+\W+/i, '');
}

/** The programs of a chapter, in the order in which its lesson first names them. */
function readPrograms(folder: string): Program[] {
  const lesson = readLesson(folder);
  const place = (name: string) => {
    const index = lesson.indexOf(`${name}.ts`);
    return index === -1 ? lesson.length : index;
  };
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ts') && name !== SCENE)
    .map((name) => {
      const file = join(folder, name);
      return { name: basename(name, '.ts'), file, summary: readSummary(file) };
    })
    .sort((a, b) => place(a.name) - place(b.name) || a.name.localeCompare(b.name));
}

function readSummary(file: string): string {
  const comment: string[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line.startsWith('//')) break;
    comment.push(line.slice(2).trim());
  }
  return /^.*?\.(?= |$)/.exec(comment.join(' '))?.[0] ?? '';
}
