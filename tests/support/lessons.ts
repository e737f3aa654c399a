import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { lessonFiles } from '../../workbook/book/chapters.ts';
import { ROOT } from './workbook.ts';

/** A command of a runnable snippet, and the reply that the lesson prints for it. */
export interface Exchange {
  readonly command: string;
  readonly reply: string;
  readonly line: number;
}

/** A fenced block that begins with "```text runnable", where versions may follow: `7.0 before 8.2`. */
export interface Snippet {
  readonly since: string;
  readonly before: string;
  readonly exchanges: readonly Exchange[];
}

const FENCE = /^```text runnable(?: (?<since>[\d.]+))?(?: before (?<before>[\d.]+))?$/;
const PROMPT = 'redis> ';

/** The folders of all chapters, in order. */
export const CHAPTER_FOLDERS = readdirSync(join(ROOT, 'chapters'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();

/** The pages of a chapter's lesson, from the root of the workbook: `chapters/04-consumer-groups/README.md`. */
export function pagesOf(folder: string): string[] {
  const files = lessonFiles({ path: join(ROOT, 'chapters', folder) });
  return files.map((file) => relative(ROOT, file));
}

/** The pages of all lessons, in order. */
export const LESSON_PAGES = CHAPTER_FOLDERS.flatMap(pagesOf);

/** All pages of a chapter's lesson, as one text. */
export function readLesson(folder: string): string {
  return pagesOf(folder).map(readPage).join('\n');
}

export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** The runnable snippets of a page, in the order in which a reader types them. */
export function readSnippets(lesson: string): Snippet[] {
  const lines = lesson.split('\n');
  const snippets: Snippet[] = [];
  for (const [index, line] of lines.entries()) {
    const { since = '0', before = '999' } = FENCE.exec(line)?.groups ?? {};
    if (!FENCE.test(line)) continue;
    const end = lines.indexOf('```', index);
    snippets.push({ since, before, exchanges: readExchanges(lines, index + 1, end) });
  }
  return snippets;
}

function readExchanges(lines: readonly string[], start: number, end: number): Exchange[] {
  const exchanges: Exchange[] = [];
  for (let at = start; at < end; at++) {
    const line = lines[at] ?? '';
    if (!line.startsWith(PROMPT)) throw new Error(`line ${at + 1} is no command: ${line}`);
    let next = at + 1;
    while (next < end && !lines[next]?.startsWith(PROMPT)) next++;
    const reply = lines.slice(at + 1, next).join('\n');
    exchanges.push({ command: line.slice(PROMPT.length), reply, line: at + 1 });
    at = next - 1;
  }
  return exchanges;
}

/** Hides what differs from run to run, or from server to server: generated ids, times, the names of scripts. */
export function mask(command: string, reply: string): string {
  const masked = reply.replace(/\d{13}-\d+/g, '<id>');
  if (/^XPENDING \S+ \S+ (IDLE \d+ )?\S+ \S+ \d+/.test(command)) {
    return masked.replace(/^(\s*(?:\d+\) )?\s*3\) \(integer\) )\d+$/gm, '$1<ms>');
  }
  // An error in a script names the script: Redis by a checksum of its text, Valkey not.
  if (command.startsWith('EVAL')) return masked.replace(/ script: .*$/, ' script: <where>');
  if (command.startsWith('XINFO')) {
    return masked.replace(/("(?:idle|inactive)"\n\s*\d+\) \(integer\) )\d+/g, '$1<ms>');
  }
  return masked;
}
