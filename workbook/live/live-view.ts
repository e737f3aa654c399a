import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Lifetime } from '../../system/process/lifetime.ts';
import { colour } from '../../system/terminal/colour.ts';
import { listenToKeys } from '../../system/terminal/keys.ts';
import { print } from '../../system/terminal/print.ts';
import { Screen } from '../../system/terminal/screen.ts';
import { Rate } from './rate.ts';
import { listLines, streamLine, streamLines } from './stream-lines.ts';
import { findStreams, lookAt, type StreamSnapshot } from './stream-snapshot.ts';

const LOOK_EVERY_MS = 500;
const PRINT_EVERY_MS = 1000;
const NEWEST_LISTED = 8;

/** A screen that shows a stream, or all of them, as they change; until `q` or Ctrl+C. */
export class LiveView {
  readonly #redis: Redis;
  readonly #about: string;
  readonly #screen: Screen;
  readonly #over = new AbortController();
  readonly #rates = new Map<string, Rate>();
  #key: string | undefined;
  #listed: readonly string[] = [];
  #wake: () => void = () => {};

  /** @param about says which server it is */
  constructor(redis: Redis, about: string, key: string | undefined, lifetime: Lifetime) {
    this.#redis = redis;
    this.#about = about;
    this.#key = key;
    this.#screen = new Screen(lifetime);
    lifetime.signal.addEventListener('abort', () => this.#over.abort(), { once: true });
  }

  async run(): Promise<void> {
    const { signal } = this.#over;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    const release = listenToKeys((key) => this.#press(key));
    this.#screen.onResize = () => this.#wake();
    try {
      while (!signal.aborted) {
        const lines = this.#key ? await this.#streamLines(this.#key) : await this.#listLines();
        if (!signal.aborted) this.#draw(lines);
        if (!signal.aborted) await this.#pause();
      }
    } finally {
      release();
      this.#screen.close();
    }
  }

  #press(key: string): void {
    if (key === 'q' || key === 'ctrl+c') this.#over.abort();
    else if (key === 'escape' || key === 'l') this.#key = undefined;
    else if (/^[1-9]$/.test(key)) this.#key = this.#listed[Number(key) - 1] ?? this.#key;
    this.#wake();
  }

  /** Until it is time for the next look, or a key was pressed. */
  async #pause(): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const over = new AbortController();
    const time = sleep(LOOK_EVERY_MS, undefined, { signal: over.signal }).catch(() => {});
    await Promise.race([time, woken]);
    over.abort();
  }

  async #streamLines(key: string): Promise<string[]> {
    const snapshot = await lookAt(this.#redis, key, NEWEST_LISTED);
    if (!snapshot) return [`There is no stream ${key} yet. As soon as there is, it shows here.`];
    return streamLines(snapshot, this.#rateOf(key).note(snapshot), this.#screen.columns);
  }

  async #listLines(): Promise<string[]> {
    this.#listed = await findStreams(this.#redis);
    if (this.#listed.length === 0)
      return ['There is no stream yet. As soon as there is, it shows here.'];
    const looks = await Promise.all(this.#listed.map((key) => lookAt(this.#redis, key, 1)));
    const snapshots = looks.filter((look): look is StreamSnapshot => look !== undefined);
    return [colour.bold('Streams'), '', ...listLines(snapshots, this.#screen.columns)];
  }

  #rateOf(key: string): Rate {
    const rate = this.#rates.get(key) ?? new Rate();
    this.#rates.set(key, rate);
    return rate;
  }

  #draw(lines: readonly string[]): void {
    const keys = this.#key ? 'l: all streams   q: quit' : '1-9: look at one   q: quit';
    const room = this.#screen.rows - 3;
    const cutOff = lines.length > room ? [...lines.slice(0, room - 1), colour.dim('...')] : lines;
    const filling = Array.from({ length: Math.max(0, room - cutOff.length) }, () => '');
    this.#screen.draw([...cutOff, ...filling, '', colour.dim(this.#about), colour.dim(keys)]);
  }
}

/** The same for a pipe: one line for each stream that has changed, until Ctrl+C; with `once`, one round. */
export async function printChanges(
  redis: Redis,
  key: string | undefined,
  once: boolean,
  signal: AbortSignal,
): Promise<void> {
  const rates = new Map<string, Rate>();
  const printed = new Map<string, string>();
  while (!signal.aborted) {
    for (const name of key ? [key] : await findStreams(redis)) {
      const snapshot = await lookAt(redis, name, 0);
      if (!snapshot) continue;
      const rate = rates.get(name) ?? new Rate();
      rates.set(name, rate);
      const pace = rate.note(snapshot);
      const state = JSON.stringify({
        ...snapshot,
        at: 0,
        groups: snapshot.groups.map(withoutIdle),
      });
      if (printed.get(name) !== state) print(streamLine(snapshot, pace));
      printed.set(name, state);
    }
    if (once) return;
    await sleep(PRINT_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}

/** A consumer that only gets older is no news. */
function withoutIdle(group: StreamSnapshot['groups'][number]) {
  return { ...group, consumers: group.consumers.map(({ name, pending }) => ({ name, pending })) };
}
