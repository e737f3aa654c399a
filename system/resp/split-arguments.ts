/** Plain characters, or none, and perhaps one quoted part: after it, the argument has to end. */
const ARGUMENT = /^([^ \t-\r"']*)(?:"((?:\\.|[^\\"])*)"|'((?:\\'|(?!\\')[^'])*)')?(?:[ \t-\r]+|$)/s;
const ESCAPE = /\\(?:x([0-9a-f]{2})|(.))/gis;
const ESCAPED: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/**
 * Splits a typed line into the arguments of a command, by redis-cli's rules: `"…"` with escapes
 * (`\n`, `\"`, `\xff`), `'…'` where only `\'` is an escape, anything else up to the next space.
 *
 * @returns the arguments as bytes, or undefined when a quote is not closed, or not followed by a space
 */
export function splitArguments(line: string): Buffer[] | undefined {
  const found: Buffer[] = [];
  // Read byte by byte, as redis-cli does: each byte is one character of this string.
  let rest = Buffer.from(line.trimStart()).toString('latin1');
  while (rest !== '') {
    const [matched, plain, double = '', single = ''] = ARGUMENT.exec(rest) ?? [];
    if (matched === undefined) return undefined;
    const unescaped = double.replace(ESCAPE, (_, hexadecimal?: string, character = '') =>
      hexadecimal
        ? String.fromCharCode(Number(`0x${hexadecimal}`))
        : (ESCAPED[character] ?? character),
    );
    found.push(Buffer.from(plain + unescaped + single.replaceAll("\\'", "'"), 'latin1'));
    rest = rest.slice(matched.length);
  }
  return found;
}
