import { once } from 'node:events';
import { relative } from 'node:path';
import { emitKeypressEvents } from 'node:readline';
import { watch } from 'chokidar';
import { ROOT } from '../workbook/paths.ts';
import type { Lifetime } from '../workbook/process/lifetime.ts';
import { UserError } from '../workbook/process/user-error.ts';
import { colour } from '../workbook/terminal/colour.ts';
import { print } from '../workbook/terminal/print.ts';

/** An editor may write a file in several steps; the last one is the one to wait for. */
const SETTLE_MS = 40;

/**
 * Grades now, and again whenever one of the files is saved or `r` is pressed, until Ctrl+C or `q`. What is saved while a
 * grading runs is graded after it.
 */
export async function gradeOnSave(
  files: readonly string[],
  grade: () => Promise<void>,
  prepare: () => Promise<void>,
  lifetime: Lifetime,
): Promise<void> {
  const stop = new AbortController();
  lifetime.signal.addEventListener('abort', () => stop.abort());
  let running = false;
  let again = false;

  const run = async () => {
    again = true;
    if (running) return;
    running = true;
    while (again && !stop.signal.aborted) {
      again = false;
      try {
        await grade();
      } catch (error) {
        // A file that is gone for a moment is the learner's to bring back, and no reason to leave.
        if (!(error instanceof UserError)) throw error;
        print(error.message);
      }
      await prepare();
      print(invitation(files));
    }
    running = false;
  };

  const watcher = watch([...files], { ignoreInitial: true, ...pollingAsked() });
  let timer: NodeJS.Timeout | undefined;
  watcher.on('all', () => {
    clearTimeout(timer);
    timer = setTimeout(() => void run().catch((error) => stop.abort(error)), SETTLE_MS);
  });
  const releaseKeys = listenToKeys({
    r: () => void run().catch((error) => stop.abort(error)),
    q: () => stop.abort(),
  });
  const aborted = new Promise<void>((resolve) => {
    stop.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  // From here on no save is missed; the first grading may take its time.
  await Promise.race([once(watcher, 'ready'), aborted]);
  void run().catch((error) => stop.abort(error));
  await aborted;
  clearTimeout(timer);
  releaseKeys();
  await watcher.close();
  if (stop.signal.reason instanceof Error && stop.signal.reason.name !== 'AbortError') {
    throw stop.signal.reason;
  }
}

function invitation(files: readonly string[]): string {
  const names = files.map((file) => relative(ROOT, file)).join(', ');
  const keys = process.stdin.isTTY ? '   r: again   q: quit' : '';
  return colour.dim(`Watching ${names}${keys}`);
}

/** File events do not come through from every network drive, container or WSL mount. */
function pollingAsked(): { usePolling?: boolean; interval?: number } {
  return process.env.WORKBOOK_POLL ? { usePolling: true, interval: 300 } : {};
}

/** Single keys, where there is a keyboard. Returns what gives the keyboard back. */
function listenToKeys(actions: Record<string, () => void>): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => {};
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  const onKey = (_: string, key: { name?: string; ctrl?: boolean }) => {
    // In raw mode Ctrl+C is a key like any other.
    if (key.ctrl && key.name === 'c') actions.q?.();
    else if (key.name) actions[key.name]?.();
  };
  stdin.on('keypress', onKey);
  stdin.resume();
  return () => {
    stdin.off('keypress', onKey);
    stdin.setRawMode(false);
    stdin.pause();
  };
}
