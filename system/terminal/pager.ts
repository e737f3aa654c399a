import type { Lifetime } from '../process/lifetime.ts';
import { colour } from './colour.ts';
import { isInteractive } from './keys.ts';
import { Page } from './page.ts';
import { print } from './print.ts';

const LEAVING = new Set(['q', 'escape', 'ctrl+c', 'return']);

/** Shows a long text page by page, until a key ends it. Where nobody can turn pages, it is printed. */
export async function pageThrough(title: string, text: string, lifetime: Lifetime): Promise<void> {
  if (!isInteractive()) {
    print(text);
    return;
  }
  const page = new Page(lifetime, (key) => {
    if (LEAVING.has(key)) page.leave();
    else page.scroll(key);
  });
  page.show([colour.dim(title)], text, [colour.dim('space: on   b: back   q: leave')]);
  await page.left;
}
