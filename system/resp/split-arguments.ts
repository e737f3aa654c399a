const ESCAPED: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/**
 * Splits a typed line into the arguments of a command, by redis-cli's rules: `"…"` with escapes
 * (`\n`, `\"`, `\xff`), `'…'` where only `\'` is an escape, anything else up to the next space.
 *
 * @returns the arguments as bytes, or undefined when a quote is not closed, or not followed by a space
 */
export function splitArguments(line: string): Buffer[] | undefined {
  const found: Buffer[] = [];
  let rest = line.trimStart();

  while (rest !== '') {
    const token = readToken(rest);
    if (!token) return undefined;
    found.push(token.value);
    rest = rest.slice(token.length).trimStart();
  }
  return found;
}

interface Token {
  readonly value: Buffer;
  readonly length: number;
}

/** The argument that `text` begins with; quotes may open in the middle of a word. */
function readToken(text: string): Token | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < text.length && !/\s/.test(text.charAt(at))) {
    const character = text.charAt(at);
    if (character !== '"' && character !== "'") {
      const word = /^[^\s"']+/.exec(text.slice(at))?.[0] ?? character;
      parts.push(Buffer.from(word));
      at += word.length;
      continue;
    }
    const quoted = readQuoted(text.slice(at + 1), character);
    if (!quoted) return undefined;
    parts.push(quoted.value);
    at += 1 + quoted.length;
    if (at < text.length && !/\s/.test(text.charAt(at))) return undefined;
  }
  return { value: Buffer.concat(parts), length: at };
}

/** What stands before the closing `mark`; the length counts the mark too. */
function readQuoted(text: string, mark: '"' | "'"): Token | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (character === mark) return { value: Buffer.concat(parts), length: at + 1 };
    if (character === '\\' && at + 1 < text.length) {
      const sequence = readEscape(text.slice(at + 1), mark);
      parts.push(sequence.value);
      at += 1 + sequence.length;
    } else {
      const plain = /^[^\\"']+/.exec(text.slice(at))?.[0] ?? character;
      parts.push(Buffer.from(plain));
      at += plain.length;
    }
  }
  return undefined;
}

/** What the characters after a backslash stand for. */
function readEscape(text: string, mark: '"' | "'"): Token {
  const character = String.fromCodePoint(text.codePointAt(0) ?? 0);
  if (mark === "'") {
    if (character === "'") return { value: Buffer.from("'"), length: 1 };
    return { value: Buffer.from('\\'), length: 0 };
  }
  const hexadecimal = /^x([0-9a-f]{2})/i.exec(text)?.[1];
  if (hexadecimal) return { value: Buffer.from(hexadecimal, 'hex'), length: 3 };
  return { value: Buffer.from(ESCAPED[character] ?? character), length: character.length };
}
