import { printError } from '../terminal/print.ts';
import { cut } from '../terminal/width.ts';

const TICK_MS = 1000;
const CLEAR_LINE = '\r\x1b[2K';

/** Tells a person who waits for a Redis what is going on. */
export interface FetchProgress {
  step(text: string): void;
  /** Ends the report, with a last word where there is one; later calls do nothing. */
  end(text?: string): void;
}

/** One line with a clock on a terminal, plain lines anywhere else; both on standard error. */
export function openProgress(): FetchProgress {
  if (!process.stderr.isTTY || process.env.CI) {
    return { step: printError, end: (text) => text && printError(text) };
  }

  let line = '';
  let started = Date.now();
  const draw = () => {
    const seconds = Math.round((Date.now() - started) / 1000);
    const whole = `${line}${seconds > 0 ? ` (${seconds} s)` : ''}`;
    // Of a line that goes on below, only the end could be cleared.
    process.stderr.write(CLEAR_LINE + cut(whole, process.stderr.columns - 1));
  };
  const clock = setInterval(() => line && draw(), TICK_MS).unref();
  return {
    step(text) {
      if (line) process.stderr.write('\n');
      line = text;
      started = Date.now();
      draw();
    },
    end(text) {
      clearInterval(clock);
      if (line) process.stderr.write(CLEAR_LINE);
      if (text) printError(text);
      line = '';
    },
  };
}
