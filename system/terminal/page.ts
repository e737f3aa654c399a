import { wrapAnsi } from 'fast-wrap-ansi';
import { colour } from './colour.ts';
import type { Screen } from './screen.ts';

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

/** A text that may be longer than the screen: a heading and a footer that stay, and between them what can be scrolled. */
export class Page {
  readonly #screen: Screen;
  #head: readonly string[] = [];
  #body = '';
  #foot: readonly string[] = [];
  #top = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
    screen.onResize = () => this.#draw();
  }

  /** Shows a text from its beginning; with `stay`, from where the one before was scrolled to. */
  show(head: readonly string[], body: string, foot: readonly string[], stay = false): void {
    this.#head = head;
    this.#body = body;
    this.#foot = foot;
    if (!stay) this.#top = 0;
    this.#draw();
  }

  /** Scrolls, if this is a key for that. Returns whether it was. */
  scroll(key: string): boolean {
    const by = SCROLLING[key];
    if (!by) return false;
    this.#top += by(this.#height());
    this.#draw();
    return true;
  }

  #height(): number {
    const fixed = this.#wrapped(this.#head).length + this.#wrapped(this.#foot).length;
    return Math.max(1, this.#screen.rows - fixed - 2);
  }

  #wrapped(lines: readonly string[]): string[] {
    const options = { hard: true, trim: false };
    return wrapAnsi(lines.join('\n'), this.#screen.columns, options).split('\n');
  }

  #draw(): void {
    const lines = this.#wrapped([this.#body]);
    const height = this.#height();
    this.#top = Math.max(0, Math.min(this.#top, lines.length - height));
    const part = lines.slice(this.#top, this.#top + height);
    const below = lines.length - this.#top - part.length;
    const more = below > 0 ? `${below} more lines below: space, or the arrow keys` : '';
    const filling = Array.from({ length: height - part.length }, () => '');
    this.#screen.draw([...this.#head, '', ...part, ...filling, colour.dim(more), ...this.#foot]);
  }
}
