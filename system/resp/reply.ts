/** A reply of the server, as RESP2 distinguishes them (https://redis.io/docs/latest/develop/reference/protocol-spec/). */
export type Reply =
  | { readonly type: 'status'; readonly text: string }
  | { readonly type: 'error'; readonly text: string }
  | { readonly type: 'integer'; readonly text: string }
  | { readonly type: 'bulk'; readonly bytes: Buffer }
  | { readonly type: 'array'; readonly items: readonly Reply[] }
  | { readonly type: 'nil' };

const NIL: Reply = { type: 'nil' };

/**
 * Cuts a stream of bytes into replies. Client libraries hide the difference between a status and a
 * string, which a prompt has to show; that is why the workbook reads the protocol itself.
 */
export class ReplyParser {
  #buffer = Buffer.alloc(0);

  /** Takes in what arrived and returns the replies that are complete now. */
  push(chunk: Buffer): Reply[] {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    const replies: Reply[] = [];
    for (;;) {
      const parsed = parseAt(this.#buffer, 0);
      if (!parsed) return replies;
      replies.push(parsed.reply);
      this.#buffer = this.#buffer.subarray(parsed.end);
    }
  }
}

interface Parsed {
  readonly reply: Reply;
  /** Where the next reply begins. */
  readonly end: number;
}

/** The reply that begins at `start`, or undefined while a part of it is still missing. */
function parseAt(buffer: Buffer, start: number): Parsed | undefined {
  const lineEnd = buffer.indexOf('\r\n', start);
  if (lineEnd === -1) return undefined;
  const kind = String.fromCharCode(buffer[start] ?? 0);
  const text = buffer.toString('utf8', start + 1, lineEnd);
  const end = lineEnd + 2;

  switch (kind) {
    case '+':
      return { reply: { type: 'status', text }, end };
    case '-':
      return { reply: { type: 'error', text }, end };
    case ':':
      return { reply: { type: 'integer', text }, end };
    case '$':
      return parseBulk(buffer, Number(text), end);
    case '*':
      return parseArray(buffer, Number(text), end);
    default:
      throw new Error(`This is not a Redis server: it answered ${JSON.stringify(kind + text)}.`);
  }
}

function parseBulk(buffer: Buffer, length: number, start: number): Parsed | undefined {
  if (length < 0) return { reply: NIL, end: start };
  const end = start + length + 2;
  if (buffer.length < end) return undefined;
  return { reply: { type: 'bulk', bytes: buffer.subarray(start, start + length) }, end };
}

function parseArray(buffer: Buffer, length: number, start: number): Parsed | undefined {
  if (length < 0) return { reply: NIL, end: start };
  const items: Reply[] = [];
  let end = start;
  while (items.length < length) {
    const item = parseAt(buffer, end);
    if (!item) return undefined;
    items.push(item.reply);
    end = item.end;
  }
  return { reply: { type: 'array', items }, end };
}
