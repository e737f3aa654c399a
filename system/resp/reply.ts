/** A reply of the server, as RESP2 distinguishes them (https://redis.io/docs/latest/develop/reference/protocol-spec/). */
export type Reply =
  | { readonly type: 'status'; readonly text: string }
  | { readonly type: 'error'; readonly text: string }
  | { readonly type: 'integer'; readonly text: string }
  | { readonly type: 'bulk'; readonly bytes: Buffer }
  | { readonly type: 'array'; readonly items: readonly Reply[] }
  | { readonly type: 'nil' };

/**
 * Cuts a stream of bytes into replies. Client libraries hide the difference between a status and a
 * string, which a prompt has to show; that is why the workbook reads the protocol itself.
 */
export class ReplyParser {
  #buffer = Buffer.alloc(0);
  /** Where in the buffer the next thing to read begins. */
  #at = 0;

  /** Takes in what arrived and returns the replies that are complete now. */
  push(chunk: Buffer): Reply[] {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    const replies: Reply[] = [];
    for (;;) {
      this.#at = 0;
      const reply = this.#read();
      if (!reply) return replies;
      replies.push(reply);
      this.#buffer = this.#buffer.subarray(this.#at);
    }
  }

  /** The next reply, or undefined while a part of it is still missing. */
  #read(): Reply | undefined {
    const lineEnd = this.#buffer.indexOf('\r\n', this.#at);
    if (lineEnd === -1) return undefined;
    const line = this.#buffer.toString('utf8', this.#at, lineEnd);
    const text = line.slice(1);
    this.#at = lineEnd + 2;

    switch (line[0]) {
      case '+':
        return { type: 'status', text };
      case '-':
        return { type: 'error', text };
      case ':':
        return { type: 'integer', text };
      case '$':
        return Number(text) < 0 ? { type: 'nil' } : this.#readBulk(Number(text));
      case '*':
        return Number(text) < 0 ? { type: 'nil' } : this.#readArray(Number(text));
      default:
        throw new Error(`This is not a Redis server: it answered ${JSON.stringify(line)}.`);
    }
  }

  #readBulk(length: number): Reply | undefined {
    const bytes = this.#buffer.subarray(this.#at, this.#at + length);
    this.#at += length + 2;
    return this.#at > this.#buffer.length ? undefined : { type: 'bulk', bytes };
  }

  #readArray(length: number): Reply | undefined {
    const items: Reply[] = [];
    while (items.length < length) {
      const item = this.#read();
      if (!item) return undefined;
      items.push(item);
    }
    return { type: 'array', items };
  }
}
