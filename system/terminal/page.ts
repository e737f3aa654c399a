import { wrapAnsi } from 'fast-wrap-ansi';
import type { Lifetime } from '../process/lifetime.ts';
import { colour } from './colour.ts';
import { type KeyListener, listenToKeys } from './keys.ts';
import { cut } from './width.ts';

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[2J';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE_END = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const SMALLEST = { columns: 20, rows: 6 };

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
  #head: readonly string[] = [];
  #body = '';
  #foot: readonly string[] = [];
  #top = 0;

  constructor(lifetime: Lifetime, onKey: KeyListener) {
    this.#screen = new Screen(lifetime, () => this.#draw());
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
    return Math.max(1, this.#screen.rows - this.#above().length - this.#below().length - 1);
  }

  #above(): string[] {
    return this.#head.length > 0 ? [...this.#wrapped(this.#head), ''] : [];
  }

  #below(): string[] {
    return this.#wrapped(this.#foot);
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
    const left = lines.length - this.#top - part.length;
    const more = left > 0 ? `${left} more lines below: space, or the arrow keys` : '';
    const filling = Array.from({ length: height - part.length }, () => '');
    // One line, however narrow: a terminal that wraps it would scroll the heading away.
    const below = [colour.dim(cut(more, this.columns)), ...this.#below()];
    this.#screen.draw([...this.#above(), ...part, ...filling, ...below]);
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
    const shown = lines.slice(0, this.rows).map((line) => line + CLEAR_LINE_END);
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
