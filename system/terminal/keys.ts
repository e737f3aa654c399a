import { emitKeypressEvents } from 'node:readline';

/**
 * The name of a key (`a`, `return`, `escape`, `left`), or `ctrl+c`; and what it writes, if it writes anything: `A`, with the
 * shift key.
 */
export type KeyListener = (key: string, typed: string) => void;

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
  const onKey = (
    text: string | undefined,
    key: { name?: string; ctrl?: boolean; meta?: boolean },
  ) => {
    const name = key.name ?? text;
    const isWritten = text !== undefined && !key.ctrl && !key.meta && /^\P{Cc}+$/u.test(text);
    if (name) listener(key.ctrl ? `ctrl+${name}` : name, isWritten ? text : '');
  };
  stdin.on('keypress', onKey);
  stdin.resume();
  return () => {
    stdin.off('keypress', onKey);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

/** Waits until any key is pressed, which it returns, or `signal` is aborted. */
export async function anyKey(signal: AbortSignal): Promise<string | undefined> {
  if (signal.aborted) return undefined;
  return new Promise((resolve) => {
    const done = (key?: string) => {
      release();
      signal.removeEventListener('abort', onAbort);
      resolve(key);
    };
    const onAbort = () => done();
    const release = listenToKeys((key) => done(key));
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
