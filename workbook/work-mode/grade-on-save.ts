import { once } from 'node:events';
import { relative } from 'node:path';
import { ROOT } from '../../system/paths.ts';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { UserError } from '../../system/process/user-error.ts';
import { colour } from '../../system/terminal/colour.ts';
import { listenToKeys } from '../../system/terminal/keys.ts';
import { print } from '../../system/terminal/print.ts';
import { watchFiles } from './watch-files.ts';

/**
 * Grades now, and again whenever one of the files is saved or `r` is pressed, until Ctrl+C or `q`. What is saved while a
 * grading runs is graded after it.
 */
export async function gradeOnSave(
  files: readonly string[],
  poll: boolean,
  grade: () => Promise<unknown>,
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

  const start = () => void run().catch((error) => stop.abort(error));
  const releaseKeys = listenToKeys((key) => {
    if (key === 'r') start();
    else if (key === 'q' || key === 'ctrl+c') stop.abort();
  });
  const aborted = once(stop.signal, 'abort');
  // From here on no save is missed; the first grading may take its time.
  const watching = await watchFiles(files, poll, start);
  if (!stop.signal.aborted) start();
  await aborted;
  releaseKeys();
  await watching.close();
  if (stop.signal.reason instanceof Error && stop.signal.reason.name !== 'AbortError') {
    throw stop.signal.reason;
  }
}

function invitation(files: readonly string[]): string {
  const names = files.map((file) => relative(ROOT, file)).join(', ');
  const keys = process.stdin.isTTY ? '   r: again   q: quit' : '';
  return colour.dim(`Watching ${names}${keys}`);
}
