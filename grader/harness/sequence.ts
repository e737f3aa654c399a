import { asLine, isScript } from './command-line.ts';
import type { Deed, Diary, Moment } from './diary.ts';
import { unescaped } from './escaped.ts';
import type { Recorded } from './recorder.ts';
import { doesName, namesOf } from './told-commands.ts';
import type { About } from './unmet.ts';

const MOST_LINES = 16;
const WIDEST = 76;
const TIME_WIDTH = 6;
const LANE_WIDTH = 4;
const MOST_LANES = 4;
const SHORT_ID = 6;
/** A handler begins this much after the read that has brought its entry, by two clocks that may differ a little. */
const CLOCKS_DIFFER_MS = 2;

const READS = /^(xreadgroup|xautoclaim|xclaim)$/i;
/** What becomes of a worker: in every diagram. */
const FATES: ReadonlySet<Deed> = new Set([
  ...(['starts', 'is told to stop', 'returns', 'fails'] as const),
  ...(['is killed', 'is paused', 'is woken'] as const),
]);
const HARD: ReadonlySet<Deed> = new Set(['is killed', 'is paused', 'is woken']);

/** A line of the diagram. */
interface Row {
  readonly at: number;
  readonly worker: string;
  text: string;
  /** The higher, the later it is left out. */
  readonly rank: number;
}

/**
 * Who did what when, as far as a failure is about it: lines of at most 76 columns, each with the time in ms since the check
 * began, a worker in a lane of its own, and what it did. Letters stand for the ids of entries.
 *
 * @returns nothing when only one worker was there, and nothing has happened to it
 */
export function tellSequence(diary: Diary, commands: readonly Recorded[], about: About): string[] {
  const { moments } = diary;
  const labels = labelsOf(about, moments);
  const deeds = moments.flatMap((moment) => rowOf(moment, moments, labels, about));
  const sent = commandRows(diary, commands, about, labels);
  const rows = [...deeds, ...sent].toSorted((a, b) => a.at - b.at);
  const workers = [...new Set(rows.map(({ worker }) => worker))];
  const isAgain = (name: string) =>
    moments.filter(({ worker, deed }) => worker === name && deed === 'starts').length > 1;
  const hasFate = moments.some(({ deed }) => HARD.has(deed)) || workers.some(isAgain);
  const isTold = about.workers && moments.some(({ deed }) => deed === 'is told to stop');
  if (workers.length < 2 && !hasFate && !isTold) return [];
  const legend = legendOf(labels, diary);
  const end = `${time(diary.now())}  the check gives up`;
  return [...legend, ...fitted(rows, workers, MOST_LINES - legend.length - 1), end];
}

/** Letters for the entries that a failure is about; when it names none, for those that its workers had in their hands. */
function labelsOf(about: About, moments: readonly Moment[]): ReadonlyMap<string, string> {
  const { entries = [], workers } = about;
  const handled = moments.filter(
    ({ deed, worker }) => deed === 'begins' && workers?.includes(worker),
  );
  const meant = entries.length > 0 ? entries.slice(0, 3) : handled.map(({ of }) => of).slice(-8);
  const ids = [...new Set(meant)];
  return new Map(
    ids.map((id, index) => [id, id.length > SHORT_ID ? String.fromCharCode(65 + index) : id]),
  );
}

function legendOf(labels: ReadonlyMap<string, string>, diary: Diary): string[] {
  return [...labels].flatMap(([id, label]) => {
    if (id === label) return [];
    const added = diary.since(Number(id.split('-')[0]));
    const when = added >= 0 && added <= diary.now() ? `, added at ${Math.round(added)} ms` : '';
    return [`${label} = ${id}${when}`];
  });
}

function rowOf(
  moment: Moment,
  moments: readonly Moment[],
  labels: ReadonlyMap<string, string>,
  about: About,
): Row[] {
  const { at, worker, deed, of } = moment;
  const rank = HARD.has(deed) ? 4 : about.workers?.includes(worker) ? 3 : 2;
  if (FATES.has(deed)) return [{ at, worker, text: fateText(moment, moments, labels), rank }];
  const label = labels.get(of);
  if (!label) return [];
  const text = {
    begins: `handler begins with ${label}`,
    ends: `handler is done with ${label}`,
    throws: `handler throws at ${label}`,
  };
  if (deed !== 'begins' && deed !== 'ends' && deed !== 'throws') return [];
  return [{ at, worker, text: text[deed], rank: 3 }];
}

function fateText(
  moment: Moment,
  moments: readonly Moment[],
  labels: ReadonlyMap<string, string>,
): string {
  const { worker, deed, of } = moment;
  if (deed === 'starts') {
    const isFirst =
      moments.find((one) => one.worker === worker && one.deed === 'starts') === moment;
    return `starts ${of}${isFirst ? '' : ' again'}`;
  }
  if (deed === 'returns') return `returns from ${of}`;
  if (deed === 'fails') return `${of} ends with an error`;
  if (deed === 'is killed' || deed === 'is paused') {
    const open = openAt(moment, moments).flatMap((id) => labels.get(id) ?? []);
    return open.length > 0 ? `${deed}, with ${open.join(' and ')} in hand` : deed;
  }
  return deed;
}

/** The entries whose handlers a worker had begun by then, and not ended. */
function openAt(until: Moment, moments: readonly Moment[]): string[] {
  const open: string[] = [];
  for (const moment of moments.slice(0, moments.indexOf(until))) {
    const { worker, deed, of } = moment;
    if (worker !== until.worker) continue;
    if (deed === 'starts' || deed === 'is killed') open.length = 0;
    else if (deed === 'begins') open.push(of);
    else if (open.includes(of)) open.splice(open.indexOf(of), 1);
  }
  return [...new Set(open)];
}

/** Commands that name what the failure is about, and the reads right before a handler began with it. */
function commandRows(
  diary: Diary,
  commands: readonly Recorded[],
  about: About,
  labels: ReadonlyMap<string, string>,
): Row[] {
  const ids = new Set(labels.keys());
  const names = new Set([...namesOf(about), ...ids]);
  const reads = commands.filter(({ args: [command = ''] }) => READS.test(command));
  const before = diary.moments
    .filter(({ deed, of }) => deed === 'begins' && ids.has(of))
    .map(({ worker, at }) =>
      reads.findLast(
        (one) =>
          (one.sender ?? one.worker) === worker && diary.since(one.at) <= at + CLOCKS_DIFFER_MS,
      ),
    );
  const meant = new Set([
    ...before.filter((one) => one !== undefined),
    ...commands.filter((one) => one === about.command || doesName(one, names)),
  ]);
  return [...meant].flatMap((one) => {
    const [command = ''] = one.args;
    // What a script runs is told, the script itself too only when nothing that it runs names these.
    const isOuter = isScript(command) && [...meant].some(({ sender }) => sender === one.worker);
    if (isOuter) return [];
    const worker = one.sender ?? one.worker;
    const at = Math.max(0, diary.since(one.at));
    const rank = one === about.command ? 5 : READS.test(command) ? 1 : 3;
    return [{ at, worker, text: commandText(one, labels), rank }];
  });
}

/** A command in a few words: what it is about, and not all that it takes. */
function commandText(one: Recorded, labels: ReadonlyMap<string, string>): string {
  const [command = '', ...values] = one.args.map(unescaped);
  const name = command.toUpperCase();
  const known = values.flatMap((value) => labels.get(value) ?? []);
  const inScript = one.sender ? ' (in a script)' : '';
  if (name === 'XREADGROUP') return `XREADGROUP ${values.at(-1)}${inScript}`;
  if (name === 'XAUTOCLAIM') return `XAUTOCLAIM, idle for ${values[3]} ms${inScript}`;
  if (name === 'XADD') return `XADD ${values[0]} (${known.join(', ') || '...'})${inScript}`;
  if (known.length > 0) return `${name} ${known.join(' ')}${inScript}`;
  return asLine(one);
}

/** So many lines at most: what matters least is left out, in the middle. */
function fitted(rows: readonly Row[], workers: readonly string[], most: number): string[] {
  for (let count = rows.length; ; count--) {
    const lines = drawn(rows, chosen(rows, count), workers);
    if (lines.length <= most || count === 0) return lines;
  }
}

/** So many rows: those of the highest rank, and of these the last ones. */
function chosen(rows: readonly Row[], count: number): ReadonlySet<Row> {
  const byWeight = [...rows.entries()].toSorted(([a, one], [b, other]) => {
    return other.rank - one.rank || b - a;
  });
  return new Set(byWeight.slice(0, count).map(([, row]) => row));
}

function drawn(
  rows: readonly Row[],
  shown: ReadonlySet<Row>,
  workers: readonly string[],
): string[] {
  const lines: string[] = [];
  let gap = false;
  for (const row of rows) {
    if (!shown.has(row)) {
      if (!gap) lines.push(' '.repeat(TIME_WIDTH) + '...');
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
  return `${Math.round(at)} ms`.padStart(TIME_WIDTH + 3);
}
