import type { StreamSnapshot } from './stream-snapshot.ts';

const WINDOW_MS = 5000;

/** How fast a stream grows, from what several looks at it have found. */
export class Rate {
  readonly #seen: { readonly at: number; readonly added: number }[] = [];

  /** Takes note of a look. Returns entries a second over the last five; undefined as long as there is only one look. */
  note({ at, added, length }: StreamSnapshot): number | undefined {
    // Before 7.0 Redis does not count what was added; the length does until something is trimmed.
    this.#seen.push({ at, added: added ?? length });
    while ((this.#seen[1]?.at ?? at) < at - WINDOW_MS) this.#seen.shift();
    const [first] = this.#seen;
    if (!first || first.at === at) return undefined;
    return Math.max(0, ((added ?? length) - first.added) / ((at - first.at) / 1000));
  }
}
