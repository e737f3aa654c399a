import type { Lifetime } from '../process/lifetime.ts';
import { colour } from './colour.ts';
import { hasText, markText } from './found.ts';
import { type KeyListener, listenToKeys } from './keys.ts';
import { cut } from './width.ts';
import { wrapped } from './wrap.ts';

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[2J';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
/** A colour that begins in a line and ends below the page would go on in the footer. */
const END_LINE = '\u001b[0m\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const SMALLEST = { columns: 20, rows: 6 };
/** So much of the screen is for what can be scrolled. */
const LEAST_BODY = 0.4;

const SCROLLING: Record<string, (height: number) => number> = {
  up: () => -1,
  down: () => 1,
  k: () => -1,
  j: () => 1,
  space: (height) => height - 1,
  pagedown: (height) => height - 1,
  b: (height) => 1 - height,
  pageup: (height) => 1 - height,
  home: () => Number.NEGATIVE_INFINITY,
  end: () => Number.POSITIVE_INFINITY,
};

/** What a page shows. */
export interface PageContent {
  /** What stays at the top. On a small screen that is the first line alone. */
  readonly head: readonly string[];
  /** What can be scrolled. A function is asked again when the window has another size. */
  readonly body: string | (() => string);
  /** What stays at the bottom. On a small screen that is the last line alone: the keys. */
  readonly foot: readonly string[];
  /** Where the body begins: the number of its line, from 0; else at its beginning; or where the one before was scrolled to. */
  readonly from?: number | 'where it was';
}

/**
 * The whole screen, with a text that may be longer: a heading and a footer that stay, and between them what can be scrolled.
 * It is there until it is left, or the command ends.
 */
export class Page {
  /** Settles when the page was left; rejects when that was for an error. */
  readonly left: Promise<void>;
  /** Gives the terminal back as it was. */
  leave: (error?: unknown) => void = () => {};
  readonly #screen: Screen;
  #content: PageContent = { head: [], body: '', foot: [] };
  #wrapped: readonly string[] | undefined;
  #top = 0;
  /** What was searched for, and the line in which it was found last. */
  #wanted = '';
  #foundAt: number | undefined;

  constructor(lifetime: Lifetime, onKey: KeyListener) {
    this.#screen = new Screen(lifetime, () => {
      this.#foundAt = undefined;
      this.#wrapped = undefined;
      this.#draw();
    });
    const release = listenToKeys(onKey);
    this.left = new Promise((resolve, reject) => {
      this.leave = (error) => {
        release();
        this.#screen.close();
        if (error === undefined) resolve();
        else reject(error);
      };
    });
    lifetime.signal.addEventListener('abort', () => this.leave(), { once: true });
  }

  get columns(): number {
    return this.#screen.columns;
  }

  show(content: PageContent): void {
    this.#content = content;
    const { from = 0 } = content;
    if (from !== 'where it was') {
      const before = this.#text.split('\n').slice(0, from).join('\n');
      this.#top = from === 0 ? 0 : wrapped(before, this.columns).length;
      this.#wanted = '';
      this.#foundAt = undefined;
    }
    this.#wrapped = undefined;
    this.#draw();
  }

  /** Scrolls, if this is a key for that. Returns whether it was. */
  scroll(key: string): boolean {
    const by = SCROLLING[key];
    if (!by) return false;
    this.#top += by(this.#layout().height);
    this.#foundAt = undefined;
    this.#draw();
    return true;
  }

  /**
   * Goes to the next line that has a text in it, or to the one before, and marks the text wherever it is on the page. A text
   * that was not searched for before is looked for from the top of the page.
   *
   * @returns whether there is such a line
   */
  find(wanted: string, direction: 'down' | 'up'): boolean {
    const step = direction === 'down' ? 1 : -1;
    const firstLook = direction === 'down' ? this.#top : this.#top - 1;
    const isNew = wanted !== this.#wanted || this.#foundAt === undefined;
    this.#wanted = wanted;
    const lines = this.#lines();
    let at = isNew ? firstLook : (this.#foundAt ?? 0) + step;
    while (at >= 0 && at < lines.length && !hasText(lines[at] ?? '', wanted)) at += step;
    const isFound = at >= 0 && at < lines.length;
    if (isFound) {
      this.#foundAt = at;
      this.#top = at;
    }
    this.#draw();
    return isFound;
  }

  get #text(): string {
    const { body } = this.#content;
    return typeof body === 'string' ? body : body();
  }

  #lines(): readonly string[] {
    this.#wrapped ??= wrapped(this.#text, this.columns);
    return this.#wrapped;
  }

  /** What stays, and how many lines there are for the rest; where those are too few, less stays. */
  #layout(): { above: readonly string[]; height: number; below: readonly string[] } {
    const { rows, columns } = this.#screen;
    const [head, foot] = [this.#content.head, this.#content.foot].map((lines) =>
      lines.flatMap((line) => wrapped(line, columns)),
    );
    const title = head?.slice(0, 1) ?? [];
    const keys = wrapped(this.#content.foot.at(-1) ?? '', columns);
    const choices = [
      [title.length > 0 ? [...(head ?? []), ''] : [], foot],
      [head, foot],
      [title, foot],
      [title, keys],
      [title, keys.slice(0, 1)],
    ].map(([above = [], below = []]) => ({
      above,
      below,
      height: rows - above.length - below.length - 1,
    }));
    const roomy = choices.find(({ height }) => height >= rows * LEAST_BODY);
    return roomy ?? { above: title, below: keys.slice(0, 1), height: Math.max(1, rows - 3) };
  }

  #draw(): void {
    const lines = this.#lines();
    const { above, height, below } = this.#layout();
    this.#top = Math.max(0, Math.min(this.#top, lines.length - height));
    const part = lines
      .slice(this.#top, this.#top + height)
      .map((line) => (this.#wanted === '' ? line : markText(line, this.#wanted)));
    const left = lines.length - this.#top - part.length;
    const more = left > 0 ? `${left} more lines below: space, or the arrow keys` : '';
    const filling = Array.from({ length: height - part.length }, () => '');
    // One line, however narrow: a terminal that wraps it would scroll the heading away.
    const between = colour.dim(cut(more, this.columns));
    this.#screen.draw([...above, ...part, ...filling, between, ...below]);
  }
}

/**
 * The whole screen of a terminal, on a second page: what was there before comes back at the end. Each picture is written in
 * one piece over the one before, so that nothing flickers.
 */
class Screen {
  readonly #onResize: () => void;
  #open = true;

  /** @param onResize called when the window has another size now */
  constructor(lifetime: Lifetime, onResize: () => void) {
    this.#onResize = onResize;
    process.stdout.write(ENTER);
    process.stdout.on('resize', onResize);
    lifetime.atEnd(() => this.close());
  }

  get columns(): number {
    return Math.max(SMALLEST.columns, process.stdout.columns);
  }

  get rows(): number {
    return Math.max(SMALLEST.rows, process.stdout.rows);
  }

  /** Shows these lines, none of which may be wider than the screen; those that do not fit are left out. */
  draw(lines: readonly string[]): void {
    if (!this.#open) return;
    const shown = lines.slice(0, this.rows).map((line) => line + END_LINE);
    process.stdout.write(HOME + shown.join('\r\n') + CLEAR_BELOW);
  }

  /** Gives the terminal back as it was. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    process.stdout.off('resize', this.#onResize);
    process.stdout.write(LEAVE);
  }
}
