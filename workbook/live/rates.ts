import type { StreamSnapshot } from './stream-snapshot.ts';

const WINDOW_MS = 5000;

/** How fast streams grow, from what several looks at them have found. */
export class Rates {
  readonly #seen = new Map<string, { readonly at: number; readonly added: number }[]>();

  /** Takes note of a look. Returns entries a second over the last five; undefined as long as there is only one look. */
  note({ key, at, added }: StreamSnapshot): number | undefined {
    const now = { at, added };
    const seen = [...(this.#seen.get(key) ?? []), now].filter((look) => look.at >= at - WINDOW_MS);
    this.#seen.set(key, seen);
    const [first = now] = seen;
    if (first.at === at) return undefined;
    return Math.max(0, (now.added - first.added) / ((at - first.at) / 1000));
  }
}
