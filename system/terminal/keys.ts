import { emitKeypressEvents } from 'node:readline';

/** The name of a key (`a`, `return`, `escape`, `left`), or `ctrl+c`. */
export type KeyListener = (key: string) => void;

/** Whether somebody sits at a keyboard and looks at a screen. */
export function isInteractive(): boolean {
  const { stdin, stdout } = process;
  return (
    stdin.isTTY === true && stdout.isTTY === true && !process.env.CI && process.env.TERM !== 'dumb'
  );
}

/**
 * Reads single keys. In this mode Ctrl+C is a key like any other, and comes as `ctrl+c`.
 *
 * @returns what gives the keyboard back
 */
export function listenToKeys(listener: KeyListener): () => void {
  const { stdin } = process;
  if (!stdin.isTTY) return () => {};
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  const onKey = (text: string | undefined, key: { name?: string; ctrl?: boolean }) => {
    const name = key.name ?? text;
    if (name) listener(key.ctrl ? `ctrl+${name}` : name);
  };
  stdin.on('keypress', onKey);
  stdin.resume();
  return () => {
    stdin.off('keypress', onKey);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

/** Waits until any key is pressed, or `signal` is aborted. */
export async function anyKey(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      release();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const release = listenToKeys(done);
    signal.addEventListener('abort', done, { once: true });
  });
}
