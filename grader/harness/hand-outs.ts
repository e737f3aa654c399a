import type { Group } from './group.ts';
import { expectThat } from './unmet.ts';

/** A look at Redis and a look at the clock are not the same moment. */
const TOLERANCE = 0.75;

/**
 * When Redis has handed entries out, told by how long they are idle while their handlers run: on a busy machine, a handler begins
 * much later than that.
 */
export class HandOuts {
  readonly #group: Group;
  readonly #at = new Map<string, number[]>();

  constructor(group: Group) {
    this.#group = group;
  }

  /** For a handler, at its beginning. */
  async note(id: string): Promise<void> {
    const before = performance.now();
    const entry = await this.#group.pendingEntry(id);
    const now = (before + performance.now()) / 2;
    if (entry) this.#at.set(id, [...(this.#at.get(id) ?? []), now - entry.idleMs]);
  }

  /** @throws Unmet when an entry was handed out again before it had been idle for so long */
  expectApart(id: string, minIdleMs: number): void {
    const times = this.#at.get(id) ?? [];
    const apart = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    const soonest = Math.min(...apart);
    expectThat(!(soonest < TOLERANCE * minIdleMs), {
      expected: `what has failed not to be tried again before it has been idle for minIdleMs, here ${minIdleMs} ms`,
      happened: `it was handed out again after ${Math.round(soonest)} ms`,
      about: { entries: [id] },
    });
  }
}
