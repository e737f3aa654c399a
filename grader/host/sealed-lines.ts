/** Who speaks: what one has said cannot be sent back as if the other had said it. */
export type Speaker = 'host' | 'supervisor';

/**
 * Lines of text with a seal on each, made with a key that only the two ends know. Each line has its number in its seal: one that was
 * changed, left out or said again does not open, and nothing after it does.
 *
 * It is made of strings alone: what somebody else has done to the objects of this process does not matter to it.
 */
export class SealedLines {
  readonly #key: string;
  readonly #digest: (text: string) => string;
  readonly #self: Speaker;
  #sealed = 0;
  #opened = 0;

  /** @param digest a cryptographic hash of a text */
  constructor(key: string, self: Speaker, digest: (text: string) => string) {
    this.#key = key;
    this.#self = self;
    this.#digest = digest;
  }

  /** The line to send, without its end. */
  seal(text: string): string {
    return `${this.#sealOf(this.#self, this.#sealed++, text)} ${text}`;
  }

  /** What the other end has said, or undefined: it was somebody else. */
  open(line: string): string | undefined {
    const space = line.indexOf(' ');
    const text = line.slice(space + 1);
    const other = this.#self === 'host' ? 'supervisor' : 'host';
    if (line.slice(0, space) !== this.#sealOf(other, this.#opened, text)) return undefined;
    this.#opened++;
    return text;
  }

  #sealOf(speaker: Speaker, number: number, text: string): string {
    return this.#digest(this.#key + this.#digest(`${this.#key} ${speaker} ${number} ${text}`));
  }
}
