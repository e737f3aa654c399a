import { createHash } from 'node:crypto';
import { visible } from '../../system/terminal/width.ts';
import { escaped, unescaped } from './escaped.ts';
import type { Recorded } from './recorded.ts';

const LONGEST_LINE = 240;
const LONGEST_VALUE = 60;
const LONGEST_TITLE = 48;
const SCRIPT = /^(eval|evalsha|fcall)(_ro)?$/i;

/**
 * A command as one line that can be pasted into redis-cli, unless it is so long that nobody would. Of a script, its name, its keys
 * and its arguments.
 *
 * @param keep what must not be left out, however long the line is
 */
export function asLine({ args, script }: Recorded, keep: ReadonlySet<string> = new Set()): string {
  const [command = '', ...values] = args.map(unescaped);
  const name = command.toUpperCase();
  if (!isScript(command)) return [name, ...words(values, keep)].join(' ');
  const [text = '', count = '0', ...rest] = values;
  const keys = rest.slice(0, Number(count));
  const others = rest.slice(Number(count));
  return [
    name,
    /^fcall/i.test(command) ? escaped(text) : `(${script ?? 'a script'})`,
    ...(keys.length > 0 ? ['KEYS', ...words(keys, keep)] : []),
    ...(others.length > 0 ? ['ARGV', ...words(others, keep)] : []),
  ].join(' ');
}

export function isScript(command: string): boolean {
  return SCRIPT.test(command);
}

/** What a script is called, as MONITOR shows its text: its first line of comment. */
export function scriptTitle(text: string): string {
  const lines = unescaped(text).trim().split('\n');
  const comment = lines.map((line) => /^\s*--(?:\[=*\[)?\s*(\S.*?)\s*$/.exec(line)?.[1]);
  const first = comment.find((one) => one !== undefined);
  if (first)
    return visible(first.length > LONGEST_TITLE ? `${first.slice(0, LONGEST_TITLE)}...` : first);
  return lines.length === 1 ? 'a script of 1 line' : `a script of ${lines.length} lines`;
}

/** By what EVALSHA calls a script. */
export function scriptDigest(text: string): string {
  return createHash('sha1').update(unescaped(text)).digest('hex');
}

/** The values of a command; of very many, the first ones. */
function words(values: readonly string[], keep: ReadonlySet<string>): string[] {
  const shown: string[] = [];
  let length = 0;
  let left = 0;
  for (const value of values) {
    const word = escaped(keep.has(value) ? value : shortened(value));
    if (length < LONGEST_LINE || keep.has(value)) {
      if (length >= LONGEST_LINE && shown.at(-1) !== '...' && left > 0) shown.push('...');
      shown.push(word);
      length += word.length + 1;
    } else left++;
  }
  return left > 0 ? [...shown, `... (${left} more)`] : shown;
}

function shortened(value: string): string {
  const letters = [...value];
  if (letters.length <= LONGEST_VALUE) return value;
  const start = letters.slice(0, LONGEST_VALUE - 20).join('');
  return `${start}... (${letters.length - LONGEST_VALUE + 20} more)`;
}
