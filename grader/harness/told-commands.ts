import { asLine } from './command-line.ts';
import type { Diary } from './diary.ts';
import { commandsNaming, namesOf, senderOf } from './meant.ts';
import type { Recorded } from './recorded.ts';
import type { About } from './unmet.ts';

const SHOWN = 12;
const BEFORE = 5;
const AFTER = 4;
const NAME_WIDTH = 10;

interface Line {
  readonly text: string;
  /** Lines of the same kind are folded. */
  readonly kind: string;
  readonly marked: boolean;
  times: number;
  /** Where its command stands among all. */
  readonly first: number;
  last: number;
}

/**
 * What was sent to Redis, as lines for a report: around the command that was wrong to send, which is marked; or else all that
 * names the entries and keys that the failure is about; or else what came last.
 */
export function tellCommands(commands: readonly Recorded[], about: About, diary: Diary): string[] {
  // For what a script runs stands the line of the script.
  const sent = commands.filter((one) => one.worker !== '(script)' || one === about.command);
  const wrong = about.command ? sent.indexOf(about.command) : -1;
  if (about.command && wrong >= 0) {
    const lines = fold(sent, (_, index) => index >= wrong - 3 * BEFORE, about);
    const at = lines.findIndex(({ marked }) => marked);
    const shown = lines.slice(Math.max(0, at - BEFORE), at + AFTER + 1);
    return print(shown, sent.length, true);
  }
  const names = namesOf(about);
  const naming = commandsNaming(names, sent, diary, about.group?.stream);
  const isMeant = (one: Recorded) =>
    (!about.workers || about.workers.includes(senderOf(one))) &&
    (names.size === 0 || naming.has(one));
  const meant = fold(sent, isMeant, about);
  const lines = meant.length > 0 ? meant : fold(sent, () => true, about);
  return print(lines.slice(-SHOWN), sent.length, false);
}

/** Those that repeat are one line with a count. */
function fold(
  sent: readonly Recorded[],
  isMeant: (one: Recorded, index: number) => boolean,
  about: About,
): Line[] {
  const names = namesOf(about);
  const lines: Line[] = [];
  for (const [index, one] of sent.entries()) {
    if (!isMeant(one, index)) continue;
    const marked = one === about.command;
    const who = one.sender ? `${one.sender} (script)` : one.worker;
    const text = `${who.padEnd(NAME_WIDTH)} ${asLine(one, names)}`;
    // A script that is run for one key after the other is one line, unless the failure is about some of these.
    const isOneOfMany = one.script !== undefined && names.size === 0;
    const kind = isOneOfMany ? `${who} ${one.args[0]} ${one.script}` : text;
    const last = lines.at(-1);
    if (last?.kind === kind && !marked && !last.marked && last.last === index - 1) {
      last.times++;
      last.last = index;
    } else lines.push({ text, kind, marked, times: 1, first: index, last: index });
  }
  return lines;
}

/** The lines, and between them how many commands are left out. */
function print(lines: readonly Line[], count: number, isMarked: boolean): string[] {
  const printed: string[] = [];
  let next = 0;
  const gapUntil = (index: number, where: string) => {
    const left = index - next;
    if (left > 0) printed.push(`... ${left} ${where}`);
  };
  for (const { text, marked, times, first, last } of lines) {
    gapUntil(first, printed.length === 0 ? 'before' : 'others');
    const mark = isMarked ? (marked ? '> ' : '  ') : '';
    printed.push(`${mark}${text}${times > 1 ? `   (${times} times)` : ''}`);
    next = last + 1;
  }
  gapUntil(count, 'after');
  return printed;
}
