import type { Lifetime } from '../process/lifetime.ts';
import { colour } from './colour.ts';
import { isInteractive } from './keys.ts';
import { Page } from './page.ts';
import { print } from './print.ts';
import { NO_BREAK } from './wrap.ts';

const LEAVING = new Set(['q', 'escape', 'ctrl+c', 'return']);
const TURNING = ['space: on', 'b: back'];

/** A long text, and what to call it. */
export interface LongText {
  readonly title: string;
  /** A function is asked again when the window has another size. */
  readonly text: string | (() => string);
  /** The line to begin at, from 0. */
  readonly from?: number;
}

/**
 * Shows a long text page by page, until a key ends it; `/` searches in it. Where nobody can turn pages, it is printed, and
 * all of it.
 */
export async function pageThrough(
  { title, text, from }: LongText,
  lifetime: Lifetime,
): Promise<void> {
  if (!isInteractive()) {
    print(typeof text === 'string' ? text : text());
    return;
  }
  const search = new Search();
  const page = new Page(lifetime, (key, typed) => {
    if (key === 'ctrl+c') page.leave();
    else if (search.isTyped) {
      if (search.type(key, typed)) look('down');
      showAgain();
    } else if (typed === '/') {
      search.begin();
      showAgain();
    } else if (search.wanted !== '' && key === 'n') {
      look(typed === 'N' ? 'up' : 'down');
      showAgain();
    } else if (LEAVING.has(key)) page.leave();
    else page.scroll(key);
  });
  const look = (direction: 'down' | 'up') => {
    search.missed = page.find(search.wanted, direction) ? undefined : direction;
  };
  const content = () => ({ head: [colour.dim(title)], body: text, foot: [search.line] });
  const showAgain = () => page.show({ ...content(), from: 'where it was' });
  page.show({ ...content(), from });
  await page.left;
}

/** What is searched for, and the line at the bottom of the page that says so. */
class Search {
  wanted = '';
  /** Where the last search has found nothing. */
  missed: 'down' | 'up' | undefined;
  #typed: string | undefined;

  get isTyped(): boolean {
    return this.#typed !== undefined;
  }

  get line(): string {
    if (this.#typed !== undefined) return `/${this.#typed}\u001b[7m \u001b[27m`;
    if (this.wanted === '') return keys(...TURNING, '/: search', 'q: leave');
    const where = this.missed === 'up' ? 'above' : 'below';
    const found = this.missed ? [`Not ${where}: ${this.wanted}`] : [];
    return keys(...found, 'n: next', 'N: one before', '/: search', ...TURNING, 'q: leave');
  }

  begin(): void {
    this.#typed = '';
    this.missed = undefined;
  }

  /** Takes a key. Returns whether the text is complete, to be looked for; an empty one is the one from before. */
  type(key: string, typed: string): boolean {
    const text = this.#typed ?? '';
    if (key === 'return' || key === 'enter') {
      this.wanted = text || this.wanted;
      this.#typed = undefined;
      return this.wanted !== '';
    }
    if (key === 'escape' || (key === 'backspace' && text === '')) this.#typed = undefined;
    else this.#typed = key === 'backspace' ? [...text].slice(0, -1).join('') : text + typed;
    return false;
  }
}

/** Keys and what they do; no line ends between the two. */
function keys(...each: readonly string[]): string {
  return colour.dim(each.map((one) => one.replaceAll(' ', NO_BREAK)).join('   '));
}
