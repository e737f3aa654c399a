const KEPT = 16_000;
const FLOOD = 8_000_000;

/** What a process prints: its beginning is kept, and a flood is stopped. */
export class Output {
  readonly #flooded: () => void;
  #kept = '';
  #total = 0;

  constructor(flooded: () => void) {
    this.#flooded = flooded;
  }

  get text(): string {
    const dropped = this.#total - this.#kept.length;
    return dropped > 0 ? `${this.#kept}\n... and ${dropped} characters more` : this.#kept;
  }

  add(chunk: Buffer): void {
    // What is still on its way when the flood is stopped costs no more than it must.
    if (this.#total > FLOOD) {
      this.#total += chunk.length;
      return;
    }
    const text = chunk.toString();
    // The end is kept too when the process dies of it: V8 says there that memory has run out.
    if (this.#kept.length < KEPT || text.includes('heap out of memory')) {
      this.#kept += text.slice(0, KEPT);
    }
    this.#total += text.length;
    if (this.#total > FLOOD && this.#total - text.length <= FLOOD) this.#flooded();
  }

  /** Forgets what was printed; the next requirement begins with nothing. */
  clear(): void {
    this.#kept = '';
    this.#total = 0;
  }
}
