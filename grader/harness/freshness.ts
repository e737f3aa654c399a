/**
 * Keeps something fresh in Redis, as a living worker does, and notes when that came too late: on a machine that was busy with others,
 * it was then as old as what the dead leave, and nobody is to blame for taking it.
 */
export class Freshness {
  readonly #mostMs: number;
  #last: number | undefined;
  #lapsed = false;

  /** @param mostMs how long it may go without, in milliseconds */
  constructor(mostMs: number) {
    this.#mostMs = mostMs;
  }

  async keep(touch: () => Promise<unknown>): Promise<void> {
    const last = this.#last;
    // From before one touch until after the next: that it was never older than this is certain.
    this.#last = performance.now();
    await touch();
    if (last !== undefined && performance.now() - last > this.#mostMs) this.#lapsed = true;
  }

  /** Whether it has ever gone without for too long, also by now. */
  get lapsed(): boolean {
    const last = this.#last ?? performance.now();
    return this.#lapsed || performance.now() - last > this.#mostMs;
  }
}
