import type { Lifetime } from '../process/lifetime.ts';

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[2J';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE_END = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const SMALLEST = { columns: 20, rows: 6 };

/**
 * The whole screen of a terminal, on a second page: what was there before comes back at the end. Each picture is written in
 * one piece over the one before, so that nothing flickers.
 */
export class Screen {
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
