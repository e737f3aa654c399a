import { diffLines } from 'diff';
import { colour } from '../../system/terminal/colour.ts';
import { cut, padded, visible } from '../../system/terminal/width.ts';

const SIDE_BY_SIDE_FROM = 120;
const CONTEXT = 3;

interface Side {
  readonly name: string;
  readonly text: string;
}

/** One row: a line that both have, or what stands on either side. */
interface Row {
  readonly left?: string;
  readonly right?: string;
  readonly same: boolean;
}

/** Two texts compared line by line: side by side where there is room, else one below the other. */
export function fileDiff(left: Side, right: Side, columns: number): string {
  const rows = readRows(left.text, right.text);
  if (rows.every(({ same }) => same)) return `${left.name} and ${right.name} are the same.`;
  return columns >= SIDE_BY_SIDE_FROM
    ? sideBySide(left, right, rows, columns)
    : below(left, right, rows);
}

function readRows(left: string, right: string): Row[] {
  const changes = diffLines(left, right);
  const rows: Row[] = [];
  for (let at = 0; at < changes.length; at++) {
    const change = changes[at];
    if (!change) continue;
    const lines = linesOf(change.value);
    if (!change.added && !change.removed) {
      rows.push(...lines.map((line) => ({ left: line, right: line, same: true })));
    } else if (change.removed) {
      // What was replaced comes in two parts; they belong beside each other.
      const next = changes[at + 1];
      const added = next?.added ? linesOf(next.value) : [];
      if (next?.added) at++;
      for (let row = 0; row < Math.max(lines.length, added.length); row++) {
        rows.push({ left: lines[row], right: added[row], same: false });
      }
    } else {
      rows.push(...lines.map((line) => ({ right: line, same: false })));
    }
  }
  return rows;
}

function sideBySide(left: Side, right: Side, rows: readonly Row[], columns: number): string {
  const half = Math.floor((columns - 3) / 2);
  const lines = [colour.bold(`${padded(left.name, half)} | ${cut(right.name, half)}`)];
  for (const part of parts(rows)) {
    if (part === 'gap') {
      lines.push(colour.dim(`${padded('...', half)} | ...`));
      continue;
    }
    const { left: own = '', right: theirs = '', same } = part;
    if (same) lines.push(`${padded(own, half)} | ${cut(theirs, half)}`);
    else lines.push(`${colour.red(padded(own, half))} | ${colour.green(cut(theirs, half))}`);
  }
  return lines.join('\n');
}

function below(left: Side, right: Side, rows: readonly Row[]): string {
  const lines = [colour.red(`- ${left.name}`), colour.green(`+ ${right.name}`), ''];
  let added: string[] = [];
  const flush = () => {
    lines.push(...added);
    added = [];
  };
  for (const part of parts(rows)) {
    if (part === 'gap' || part.same) flush();
    if (part === 'gap') lines.push(colour.dim('...'));
    else if (part.same) lines.push(`  ${visible(part.left ?? '')}`.trimEnd());
    else {
      if (part.left !== undefined) lines.push(colour.red(`- ${visible(part.left)}`.trimEnd()));
      if (part.right !== undefined) added.push(colour.green(`+ ${visible(part.right)}`.trimEnd()));
    }
  }
  flush();
  return lines.join('\n');
}

/** The rows that differ, with a few around them, and a gap for each run that is left out. */
function* parts(rows: readonly Row[]): Generator<Row | 'gap'> {
  let skipping = false;
  for (const [at, row] of rows.entries()) {
    const near = rows.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ same }) => !same);
    if (near) yield row;
    else if (!skipping) yield 'gap';
    skipping = !near;
  }
}

function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split(/\r?\n/);
}
