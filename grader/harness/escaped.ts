const BARE = /^[\p{L}\p{N}\w@%+=:,./*$<>~^()[\]-]+$/u;
/** What a terminal acts on, or does not show. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const MONITOR_ESCAPE = /\\(x[0-9a-f]{2}|.)/g;
const NAMED: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const NAMED_BY_MONITOR: Record<string, string> = {
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\u0007',
  b: '\b',
};

/** A value as one word on one line, which redis-cli reads back: in quotes, and escaped, where it has to be. */
export function escaped(value: string): string {
  if (BARE.test(value)) return value;
  const text = value
    .replaceAll(/["\\]/g, '\\$&')
    .replaceAll(INVISIBLE, (character) => NAMED[character] ?? bytes(character));
  return `"${text}"`;
}

function bytes(character: string): string {
  return Array.from(
    Buffer.from(character),
    (byte) => `\\x${byte.toString(16).padStart(2, '0')}`,
  ).join('');
}

/** A value as it was before MONITOR escaped it. Bytes that are no text stay as MONITOR shows them. */
export function unescaped(word: string): string {
  if (!word.includes('\\')) return word;
  const binary = word.replaceAll(MONITOR_ESCAPE, (_, code: string) =>
    code.length === 3
      ? String.fromCharCode(Number.parseInt(code.slice(1), 16))
      : (NAMED_BY_MONITOR[code] ?? code),
  );
  const text = Buffer.from(binary, 'latin1').toString();
  return text.includes('\ufffd') ? word : text;
}
