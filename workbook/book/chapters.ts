import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { didYouMean } from '../../system/did-you-mean.ts';
import {
  findNumbered,
  type NumberedFolder,
  onlyOne,
  readNumberedFolders,
} from '../../system/numbered-folders.ts';
import { CHAPTERS } from '../../system/paths.ts';

/** A folder under `chapters/`. */
export interface Chapter extends NumberedFolder {
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

/** Of a chapter's files, the one that plays its scene. */
export const SCENE = 'scene.ts';

/** All chapters, in order, as the folders say. */
export function readChapters(): Chapter[] {
  return readNumberedFolders(CHAPTERS).map((folder) => ({
    ...folder,
    programs: readPrograms(folder.path),
  }));
}

/**
 * The chapter that `wanted` means: its number (`3`, `03`), its slug, or any unmistakable part of it.
 *
 * @throws UserError when no chapter, or more than one, is meant
 */
export function findChapter(wanted: string): Chapter {
  return findNumbered(wanted, 'chapter', readChapters(), ({ slug }) => [slug]);
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
  return onlyOne(exact ? [exact] : meant, chapter.programs, (program) => program.name, {
    several: `'${wanted}' could be`,
    none: `Chapter ${chapter.number} has no program '${wanted}'; it has`,
    instead: didYouMean(
      name,
      chapter.programs.map((program) => program.name),
    ),
  });
}

/** The pages of a chapter's lesson: README.md, and what may follow it, in the order of the names. */
export function lessonFiles(chapter: Pick<Chapter, 'path'>): [string, ...string[]] {
  const others = readdirSync(chapter.path).filter(
    (name) => name.endsWith('.md') && name !== 'README.md',
  );
  const more = others.sort().map((name) => join(chapter.path, name));
  return [join(chapter.path, 'README.md'), ...more];
}

/** The programs of a chapter, in the order in which its lesson first names them. */
function readPrograms(folder: string): Program[] {
  const pages = lessonFiles({ path: folder }).filter((file) => existsSync(file));
  const lesson = pages.map((file) => readFileSync(file, 'utf8')).join('\n');
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
