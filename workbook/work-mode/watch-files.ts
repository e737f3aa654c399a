import { once } from 'node:events';
import { watch } from 'chokidar';

/** An editor may write a file in several steps; the last one is the one to wait for. */
const SETTLE_MS = 40;
const POLL_EVERY_MS = 300;

/**
 * Calls `onSave` whenever one of the files has been written, replaced, removed or brought back. Resolves when no save will be
 * missed any more.
 *
 * @param poll looks at the files again and again: events do not come through from every network drive, container or WSL mount
 */
export async function watchFiles(
  files: readonly string[],
  poll: boolean,
  onSave: () => void,
): Promise<{ close(): Promise<void> }> {
  const polling = poll ? { usePolling: true, interval: POLL_EVERY_MS } : {};
  const watcher = watch([...files], { ignoreInitial: true, ...polling });
  let timer: NodeJS.Timeout | undefined;
  watcher.on('all', () => {
    clearTimeout(timer);
    timer = setTimeout(onSave, SETTLE_MS);
  });
  await once(watcher, 'ready');
  return {
    close: async () => {
      clearTimeout(timer);
      await watcher.close();
    },
  };
}
