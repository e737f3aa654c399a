import type { Reply } from './reply.ts';

/** Writes a reply the way redis-cli does on a terminal: quoted strings, numbered arrays, `(nil)`. */
export function formatReply(reply: Reply, indent = ''): string {
  switch (reply.type) {
    case 'status':
      return reply.text;
    case 'error':
      return `(error) ${reply.text}`;
    case 'integer':
      return `(integer) ${reply.text}`;
    case 'bulk':
      return quote(reply.bytes);
    case 'nil':
      return '(nil)';
    case 'array':
      return formatArray(reply.items, indent);
  }
}

function formatArray(items: readonly Reply[], indent: string): string {
  if (items.length === 0) return '(empty array)';
  const digits = String(items.length).length;
  const inner = indent + ' '.repeat(digits + 2);
  return items
    .map((item, index) => {
      const margin = index === 0 ? '' : indent;
      const number = String(index + 1).padStart(digits);
      return `${margin}${number}) ${formatReply(item, inner)}`;
    })
    .join('\n');
}

const ESCAPES: Record<string, string> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x07': '\\a',
  '\b': '\\b',
};

/** A string in double quotes; every byte that is not printable ASCII becomes an escape. */
export function quote(bytes: Buffer): string {
  const escaped = Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    const sequence = ESCAPES[character];
    if (sequence) return sequence;
    if (byte >= 0x20 && byte < 0x7f) return character;
    return `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return `"${escaped.join('')}"`;
}
