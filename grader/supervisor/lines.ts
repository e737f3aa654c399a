import type { Readable } from 'node:stream';

/**
 * Reads a stream line by line, and stops when one of them is too long: whoever sends it may be a stranger, and what is read has to be
 * kept in memory until the line ends.
 */
export function readLines(
  stream: Readable,
  longest: number,
  { line: onLine, tooLong }: { line: (line: string) => void; tooLong: () => void },
): void {
  let parts: string[] = [];
  let length = 0;
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const [first = '', ...others] = chunk.split('\n');
    parts.push(first);
    length += first.length;
    for (const next of others) {
      onLine(parts.join(''));
      parts = [next];
      length = next.length;
    }
    if (length > longest) {
      stream.destroy();
      tooLong();
    }
  });
}
