import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { colour } from '../../system/terminal/colour.ts';
import { Page } from '../../system/terminal/page.ts';
import { print } from '../../system/terminal/print.ts';
import { listLines, streamLine, streamLines } from './stream-lines.ts';
import { findStreams, lookAt, type StreamSnapshot } from './stream-snapshot.ts';

const LOOK_EVERY_MS = 500;
const PRINT_EVERY_MS = 1000;
const RATE_WINDOW_MS = 5000;
const NEWEST_LISTED = 8;

/** A screen that shows a stream, or all of them, as they change; until `q` or Ctrl+C. */
export class LiveView {
  readonly #redis: Redis;
  readonly #about: string;
  readonly #page: Page;
  readonly #rates = new Rates();
  #key: string | undefined;
  #listed: readonly string[] = [];
  #over = false;
  /** Aborted when there is no time to lose until the next look. */
  #awake = new AbortController();

  /** @param about says which server it is */
  constructor(redis: Redis, about: string, key: string | undefined, lifetime: Lifetime) {
    this.#redis = redis;
    this.#about = about;
    this.#key = key;
    this.#page = new Page(lifetime, (pressed) => this.#press(pressed));
    void this.#page.left.then(() => {
      this.#over = true;
      this.#awake.abort();
    });
  }

  async run(): Promise<void> {
    try {
      while (!this.#over) {
        this.#awake = new AbortController();
        const lines = this.#key ? await this.#streamLines(this.#key) : await this.#listLines();
        const keys = this.#key ? 'l: all streams   q: quit' : '1-9: look at one   q: quit';
        const foot = [this.#about, keys].map(colour.dim);
        this.#page.show({ head: [], body: lines.join('\n'), foot, from: 'where it was' });
        const { signal } = this.#awake;
        await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
      }
    } finally {
      this.#page.leave();
    }
  }

  #press(key: string): void {
    if (this.#page.scroll(key)) return;
    if (key === 'q' || key === 'ctrl+c') this.#page.leave();
    else if (key === 'escape' || key === 'l') this.#key = undefined;
    else if (/^[1-9]$/.test(key)) this.#key = this.#listed[Number(key) - 1] ?? this.#key;
    this.#awake.abort();
  }

  async #streamLines(key: string): Promise<string[]> {
    const snapshot = await lookAt(this.#redis, key, NEWEST_LISTED);
    if (!snapshot) return [`There is no stream ${key} yet. As soon as there is, it shows here.`];
    return streamLines(snapshot, this.#rates.note(snapshot), this.#page.columns);
  }

  async #listLines(): Promise<string[]> {
    this.#listed = await findStreams(this.#redis);
    if (this.#listed.length === 0)
      return ['There is no stream yet. As soon as there is, it shows here.'];
    const looks = await Promise.all(this.#listed.map((key) => lookAt(this.#redis, key, 1)));
    const snapshots = looks.filter((look): look is StreamSnapshot => look !== undefined);
    return [colour.bold('Streams'), '', ...listLines(snapshots, this.#page.columns)];
  }
}

/**
 * The same for a pipe: one line for each stream that has changed, until Ctrl+C; with `once`, one round.
 *
 * @returns how many streams there were
 */
export async function printChanges(
  redis: Redis,
  key: string | undefined,
  once: boolean,
  signal: AbortSignal,
): Promise<number> {
  const rates = new Rates();
  const printed = new Map<string, string>();
  while (!signal.aborted) {
    for (const name of key ? [key] : await findStreams(redis)) {
      const snapshot = await lookAt(redis, name, 0);
      if (!snapshot) continue;
      const rate = rates.note(snapshot);
      // Time alone is no news.
      const state = streamLine({ ...snapshot, at: 0 }, undefined);
      if (printed.get(name) !== state) print(streamLine(snapshot, rate));
      printed.set(name, state);
    }
    if (once) break;
    await sleep(PRINT_EVERY_MS, undefined, { signal }).catch(() => {});
  }
  return printed.size;
}

/** How fast streams grow, from what several looks at them have found. */
class Rates {
  readonly #seen = new Map<string, { readonly at: number; readonly added: number }[]>();

  /** Takes note of a look. Returns entries a second over the last five; undefined as long as there is only one look. */
  note({ key, at, added }: StreamSnapshot): number | undefined {
    const now = { at, added };
    const seen = [...(this.#seen.get(key) ?? []), now].filter(
      (look) => look.at >= at - RATE_WINDOW_MS,
    );
    this.#seen.set(key, seen);
    const [first = now] = seen;
    if (first.at === at) return undefined;
    return Math.max(0, (now.added - first.added) / ((at - first.at) / 1000));
  }
}
