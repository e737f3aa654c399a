import type { Lifetime } from '../process/lifetime.ts';
import { colour } from './colour.ts';
import { isInteractive, listenToKeys } from './keys.ts';
import { Page } from './page.ts';
import { print } from './print.ts';
import { Screen } from './screen.ts';

const LEAVING = new Set(['q', 'escape', 'ctrl+c', 'return']);

/** Shows a long text page by page, until a key ends it. Where nobody can turn pages, it is printed. */
export async function pageThrough(title: string, text: string, lifetime: Lifetime): Promise<void> {
  if (!isInteractive()) {
    print(text);
    return;
  }
  const screen = new Screen(lifetime);
  const page = new Page(screen);
  page.show([colour.dim(title)], text, [colour.dim('space: on   b: back   q: leave')]);
  await new Promise<void>((resolve) => {
    const release = listenToKeys((key) => {
      if (LEAVING.has(key)) done();
      else page.scroll(key);
    });
    const done = () => {
      release();
      screen.close();
      resolve();
    };
    lifetime.signal.addEventListener('abort', done, { once: true });
  });
}
