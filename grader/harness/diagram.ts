const MOST_LINES = 16;
const WIDEST = 76;
const TIME_WIDTH = 9;
const LANE_WIDTH = 4;
const MOST_LANES = 4;

/** Something that a worker did, or that was done to it. */
export interface Row {
  /** Milliseconds since the check began. */
  readonly at: number;
  readonly worker: string;
  readonly text: string;
  /** When there is no room for all, those of the highest rank stay. */
  readonly rank: number;
}

/**
 * Rows as a diagram of at most 16 lines of 76 columns: the time, a worker, and what it did. Each worker has a lane of its own, and
 * its name in every line, so that the diagram can also be read aloud.
 *
 * @param legend what letters stand for, in lines
 * @param end when the check was over, in milliseconds since it began
 */
export function drawDiagram(
  rows: readonly Row[],
  legend: readonly string[],
  end: number,
): string[] {
  const sorted = rows.toSorted((a, b) => a.at - b.at);
  const most = MOST_LINES - legend.length - 1;
  for (let count = Math.min(sorted.length, most); ; count--) {
    const lines = linesOf(sorted, heaviest(sorted, count));
    if (lines.length > most && count > 0) continue;
    return [...legend, ...lines, `${time(end)}  the check ends here`];
  }
}

/** So many rows: those of the highest rank, and of these the last ones. */
function heaviest(rows: readonly Row[], count: number): ReadonlySet<Row> {
  const order = [...rows.entries()].toSorted(
    ([a, one], [b, other]) => other.rank - one.rank || b - a,
  );
  return new Set(order.slice(0, count).map(([, row]) => row));
}

/** A line for each that is shown, and dots for those that are left out between them. */
function linesOf(rows: readonly Row[], shown: ReadonlySet<Row>): string[] {
  const workers = [...new Set(rows.map(({ worker }) => worker))];
  const lines: string[] = [];
  let gap = false;
  for (const row of rows) {
    if (!shown.has(row)) {
      if (!gap) lines.push('...'.padStart(TIME_WIDTH));
      gap = true;
      continue;
    }
    gap = false;
    const lane = Math.min(workers.indexOf(row.worker), MOST_LANES);
    const line = `${time(row.at)}  ${' '.repeat(lane * LANE_WIDTH)}${row.worker}  ${row.text}`;
    lines.push(line.length > WIDEST ? `${line.slice(0, WIDEST - 3)}...` : line);
  }
  return lines;
}

function time(at: number): string {
  return `${Math.max(0, Math.round(at))} ms`.padStart(TIME_WIDTH);
}
