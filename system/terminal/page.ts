import { wrapAnsi } from 'fast-wrap-ansi';
import type { Lifetime } from '../process/lifetime.ts';
import { colour } from './colour.ts';
import { type KeyListener, listenToKeys } from './keys.ts';
import { Screen } from './screen.ts';

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
    const below = [colour.dim(more), ...this.#below()];
    this.#screen.draw([...this.#above(), ...part, ...filling, ...below]);
  }
}
