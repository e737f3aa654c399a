import { spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';

const CELL_WIDTH = 8;
const LINE_HEIGHT = 18;
const FONT_SIZE = 13;
const MARGIN = 16;
/** So many rows that nothing scrolls away. */
const ROWS = 1000;
const OMITTED = '...';

/** Neighbouring cells of one line that look the same. */
export interface Run {
  readonly text: string;
  /** The column it begins in, from 0, and how many it takes. */
  readonly column: number;
  readonly width: number;
  /** The classes of its look: `bold`, `dim`, `c2` for the second of the terminal's colours. */
  readonly look: readonly string[];
}

export type Line = readonly Run[];

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly columns: number;
}

/** Runs a command in a terminal, to its end, and returns what is then to be seen there. */
export async function record({ program, args, cwd, env, columns }: Command): Promise<Line[]> {
  const screen = new xterm.Terminal({ cols: columns, rows: ROWS, allowProposedApi: true });
  const pty = spawn(program, [...args], { cols: columns, rows: ROWS, cwd, env });
  pty.onData((data) => screen.write(data));
  await new Promise((resolve) => pty.onExit(resolve));
  await new Promise<void>((resolve) => screen.write('', resolve));
  const { active } = screen.buffer;
  const lines = Array.from({ length: active.length }, (_, row) => runsOf(active.getLine(row)));
  const last = lines.findLastIndex((line) => line.length > 0);
  return lines.slice(0, last + 1);
}

/** The text of a line, without its looks. */
export function textOf(line: Line): string {
  return line.reduce((text, run) => text.padEnd(run.column) + run.text, '');
}

/** A line that stands for others that were left out. */
export function omission(): Line {
  return [{ text: OMITTED, column: 0, width: OMITTED.length, look: ['dim'] }];
}

/** The line in which a command was typed. */
export function typed(command: string): Line {
  const column = 2;
  return [
    { text: '$', column: 0, width: 1, look: ['dim'] },
    { text: command, column, width: command.length, look: ['bold'] },
  ];
}

/** Lines as an SVG that fits a light page and a dark one; `title` is what a screen reader says. */
export function svgOf(lines: readonly Line[], columns: number, title: string): string {
  const width = columns * CELL_WIDTH + 2 * MARGIN;
  const height = lines.length * LINE_HEIGHT + 2 * MARGIN;
  const texts = lines.flatMap((line, row) => {
    const y = MARGIN + row * LINE_HEIGHT + FONT_SIZE;
    return line.map((run) => textElement(run, y));
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="page" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...texts,
    '</svg>',
    '',
  ].join('\n');
}

/** Every run has its place and its width, so that columns stand under one another in any font. */
function textElement({ text, column, width, look }: Run, y: number): string {
  const x = MARGIN + column * CELL_WIDTH;
  const classes = look.length > 0 ? ` class="${look.join(' ')}"` : '';
  return `<text${classes} x="${x}" y="${y}" textLength="${width * CELL_WIDTH}">${escaped(text)}</text>`;
}

function runsOf(line: xterm.IBufferLine | undefined): Line {
  const runs: Run[] = [];
  for (let column = 0; line && column < line.length; column++) {
    const cell = line.getCell(column);
    const text = cell?.getChars() ?? '';
    if (!cell || text === '') continue;
    const look = lookOf(cell);
    const last = runs.at(-1);
    const isNext = last && last.column + last.width === column;
    if (isNext && last.look.join() === look.join()) {
      runs[runs.length - 1] = {
        ...last,
        text: last.text + text,
        width: last.width + cell.getWidth(),
      };
    } else if (text !== ' ') runs.push({ text, column, width: cell.getWidth(), look });
  }
  return runs.map(withoutBlankEnd).filter(({ width }) => width > 0);
}

function withoutBlankEnd(run: Run): Run {
  const text = run.text.trimEnd();
  return { ...run, text, width: run.width - (run.text.length - text.length) };
}

function lookOf(cell: xterm.IBufferCell): string[] {
  return [
    ...(cell.isBold() ? ['bold'] : []),
    ...(cell.isDim() ? ['dim'] : []),
    ...(cell.isFgPalette() ? [`c${cell.getFgColor() % 8}`] : []),
  ];
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Red, green, yellow, blue, magenta, cyan: by the numbers that terminals give them. */
const COLOURS = {
  light: ['#cf222e', '#1a7f37', '#8a5a00', '#0550ae', '#8250df', '#0b6e78'],
  dark: ['#ff7b72', '#56d364', '#e3b341', '#79c0ff', '#d2a8ff', '#56d4dd'],
};
const classesFor = (colours: readonly string[]) =>
  colours.map((colour, at) => `.c${at + 1}{fill:${colour}}`).join('');

const STYLE = [
  `text{font:${FONT_SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre;fill:#1f2328}`,
  '.page{fill:#f6f8fa;stroke:#d0d7de}',
  '.bold{font-weight:bold}.dim{opacity:.65}',
  classesFor(COLOURS.light),
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117;stroke:#30363d}',
  classesFor(COLOURS.dark),
  '}',
].join('');
