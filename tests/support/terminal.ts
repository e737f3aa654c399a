import { join } from 'node:path';
import { type IPty, spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { onTestFinished } from 'vitest';
import { type Bench, ROOT } from './workbook.ts';

const PATIENCE_MS = 30_000;
const NAMED_KEYS: Record<string, string> = {
  enter: '\r',
  escape: '\u001b',
  space: ' ',
  up: '\u001b[A',
  down: '\u001b[B',
  home: '\u001b[H',
  'ctrl+c': '\u0003',
  'ctrl+d': '\u0004',
};

interface Options {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** A command in a terminal: keys go in, and what a person would see comes out. */
export class Terminal {
  readonly ended: Promise<number>;
  /** All that was written to it, control sequences and all. */
  written = '';
  readonly #pty: IPty;
  readonly #screen: xterm.Terminal;
  readonly #listeners = new Set<() => void>();

  /** Starts a command of the workbook: `new Terminal(bench, {}, 'learn', 'orders')`. */
  constructor(bench: Bench, options: Options, ...args: string[]) {
    const { columns: cols = 80, rows = 24, cwd = ROOT, env } = options;
    this.#screen = new xterm.Terminal({ cols, rows, scrollback: 5000, allowProposedApi: true });
    this.#pty = spawn(process.execPath, [join('workbook', 'launch.cjs'), ...args], {
      cols,
      rows,
      cwd,
      env: { ...bench.environment(), TERM: 'xterm-256color', ...env },
    });
    this.#pty.onData((data) => {
      this.written += data;
      this.#screen.write(data, () => {
        for (const listener of this.#listeners) listener();
      });
    });
    let over = false;
    this.ended = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode }) => {
        over = true;
        // What it wrote last is still on its way through the screen.
        this.#screen.write('', () => resolve(exitCode));
      });
    });
    onTestFinished(() => {
      if (!over) this.#pty.kill('SIGKILL');
    });
  }

  /** The lines that are visible now. */
  get lines(): string[] {
    const { active } = this.#screen.buffer;
    return Array.from(
      { length: this.#screen.rows },
      (_, row) => active.getLine(active.baseY + row)?.translateToString(true) ?? '',
    );
  }

  get text(): string {
    return this.lines.join('\n');
  }

  /** Everything since the start, also what has scrolled away. */
  get history(): string {
    const { active } = this.#screen.buffer;
    const lines = Array.from(
      { length: active.length },
      (_, row) => active.getLine(row)?.translateToString(true) ?? '',
    );
    return lines.join('\n');
  }

  /** Lines that were too long for the screen, and go on in the next row. */
  get brokenLines(): string[] {
    const { active } = this.#screen.buffer;
    const broken: string[] = [];
    for (let row = 1; row < active.length; row++) {
      if (active.getLine(row)?.isWrapped) {
        broken.push(active.getLine(row - 1)?.translateToString(true) ?? '');
      }
    }
    return broken;
  }

  /** Whether the terminal is as it was before the command: its own page, and a cursor. */
  get isRestored(): boolean {
    const hidden = this.written.lastIndexOf('\u001b[?25l');
    return (
      this.#screen.buffer.active.type === 'normal' &&
      (hidden === -1 || this.written.lastIndexOf('\u001b[?25h') > hidden)
    );
  }

  /** Presses keys, one after the other. */
  press(...keys: string[]): void {
    for (const key of keys) this.#pty.write(NAMED_KEYS[key] ?? key);
  }

  resize(columns: number, rows: number): void {
    this.#screen.resize(columns, rows);
    this.#pty.resize(columns, rows);
  }

  /** Waits until what is visible matches. */
  async shows(pattern: RegExp | string): Promise<void> {
    await this.until(
      () => (typeof pattern === 'string' ? this.text.includes(pattern) : pattern.test(this.text)),
      `does not show ${pattern}`,
    );
  }

  /** Waits until this is so; else the error says what was on the screen. */
  async until(isSo: () => boolean, complaint: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const done = (settle: () => void) => {
        clearTimeout(deadline);
        this.#listeners.delete(look);
        settle();
      };
      const giveUp = () => done(() => reject(new Error(`${complaint}:\n${this.text}`)));
      const look = () => {
        if (isSo()) done(resolve);
      };
      const deadline = setTimeout(giveUp, PATIENCE_MS);
      this.#listeners.add(look);
      void this.ended.then(() => (isSo() ? done(resolve) : giveUp()));
      look();
    });
  }
}
