import { paragraph } from '../terminal/paragraph.ts';
import { print, printErrorNow } from '../terminal/print.ts';
import { dismissGuardian, summonGuardian } from './guardian.ts';
import { watchNpm } from './npm-watch.ts';
import { errorCode, HelpAsked, UserError } from './user-error.ts';

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const SAME_CTRL_C_MS = 500;

/** What a command knows of its own end. */
export interface Lifetime {
  /**
   * Aborted when the command has to stop: Ctrl+C, `kill`, a closed terminal, a closed pipe. Its
   * reason is the name of the signal, or `EPIPE`.
   */
  readonly signal: AbortSignal;
  /** Has `task` run at the end, however the end comes; the last one added runs first. */
  atEnd(task: () => void | Promise<void>): void;
  /** From now on Ctrl+C is the normal way to end this command, and its exit code is 0. */
  endWithCtrlC(): void;
  /** While `task` runs, Ctrl+C is not for this command, but for a program that it has given the terminal to. */
  withoutCtrlC<Result>(task: () => Promise<Result>): Promise<Result>;
}

/** A command of the workbook. `typed` is what was typed after its name; it resolves to its exit code. */
export type Command = (lifetime: Lifetime, typed: readonly string[]) => Promise<number | undefined>;

/**
 * Runs a command to its end, and tidies up after it. The exit code is what it returns (0 when
 * it returns nothing), 1 after an error, and 128 plus the signal's number when a signal ended it.
 *
 * A {@link UserError} is shown as its message alone. Any other error is a bug and keeps its stack.
 */
export function runCommand(command: Command, typed: readonly string[]): void {
  const stop = new AbortController();
  const tasks: (() => void | Promise<void>)[] = [];
  let ctrlCEnds = false;
  let ctrlCIsOurs = true;

  const lifetime: Lifetime = {
    signal: stop.signal,
    atEnd: (task) => tasks.push(task),
    endWithCtrlC: () => {
      ctrlCEnds = true;
    },
    withoutCtrlC: async (task) => {
      ctrlCIsOurs = false;
      try {
        return await task();
      } finally {
        ctrlCIsOurs = true;
      }
    },
  };

  const stopped = new Promise<number>((resolve) => {
    let stoppedAt = 0;
    const stopWith = (exitCode: number, reason: string) => {
      stoppedAt ||= Date.now();
      resolve(exitCode);
      stop.abort(reason);
    };

    for (const [signal, exitCode] of Object.entries(SIGNALS)) {
      process.on(signal, () => {
        if (signal === 'SIGINT' && !ctrlCIsOurs) return;
        // Asked twice: leave at once, and let the guardian do the tidying. But npm passes on the
        // SIGINT that the terminal has sent us already; that is still the first time.
        const again = stop.signal.aborted && Date.now() - stoppedAt > SAME_CTRL_C_MS;
        if (again && signal === 'SIGINT') process.exit(exitCode);
        stopWith(signal === 'SIGINT' && ctrlCEnds ? 0 : exitCode, signal);
      });
    }
    for (const stream of [process.stdout, process.stderr]) {
      stream.on('error', (error) => {
        // `npm run chapter 1 | head`: the reader has seen enough.
        if (errorCode(error) === 'EPIPE') stopWith(0, 'EPIPE');
        else throw error;
      });
    }
    watchNpm(() => stopWith(SIGNALS.SIGTERM, 'SIGTERM'));
  });

  void (async () => {
    const running = run(command, lifetime, typed);
    let exitCode = await Promise.race([running, stopped]);
    for (const task of tasks.reverse()) {
      try {
        await task();
      } catch (error) {
        exitCode = report(error);
      }
    }
    await dismissGuardian();
    process.exit(exitCode);
  })();
}

async function run(
  command: Command,
  lifetime: Lifetime,
  typed: readonly string[],
): Promise<number> {
  try {
    summonGuardian();
    return (await command(lifetime, typed)) ?? 0;
  } catch (error) {
    if (error instanceof HelpAsked) {
      print(error.message);
      return 0;
    }
    // What fails because we are being stopped is not worth a word. The signal may be waiting for its
    // turn still: a helper process that it hit as well can be quicker to fail than we to hear of it.
    await new Promise(setImmediate);
    return lifetime.signal.aborted ? 1 : report(error);
  }
}

function report(error: unknown): number {
  // On a terminal, words stay whole; elsewhere somebody may look for the line.
  if (error instanceof UserError) {
    printErrorNow(process.stderr.isTTY ? paragraph(error.message) : error.message);
  } else printErrorNow(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return 1;
}
