import { asLine, isScript } from './command-line.ts';
import { drawDiagram, type Row } from './diagram.ts';
import type { Deed, Diary, Moment } from './diary.ts';
import { unescaped } from './escaped.ts';
import { commandsNaming, isRead, namesOf, senderOf } from './meant.ts';
import type { Recorded } from './recorded.ts';
import type { About } from './unmet.ts';

const MOST_LABELS = 3;
const MOST_COUNTED = 3;
const SHORT_PAUSE_MS = 100;
const SHORT_ID = 6;
const FIRST_LETTER = 65;

/** What no worker survives, or not unharmed. */
const HARD: ReadonlySet<Deed> = new Set(['is killed', 'is paused', 'is woken']);
const ENDS: ReadonlySet<Deed> = new Set(['returns', 'fails', 'is killed']);
/** These only look, or make what is there already. */
const LOOKS =
  /^(xpending|xrange|xrevrange|xlen|xinfo|xread|get|mget|hget|hmget|hgetall|exists|type|ttl|scan|time|xgroup)$/i;
/** What is counted first, when not everything is. */
const COUNTED_FIRST = ['XREADGROUP', 'XAUTOCLAIM', 'XCLAIM', 'XACK'];

type Labels = ReadonlyMap<string, string>;

/**
 * Who did what when, as far as a failure is about it: lines of at most 76 columns. Letters stand for the ids of entries.
 *
 * @returns nothing when only one worker was there, and nothing has happened to it
 */
export function tellSequence(diary: Diary, commands: readonly Recorded[], about: About): string[] {
  const moments = withoutShortPauses(diary.moments);
  const turn = turningPoint(moments, about);
  if (!turn && Object.keys(about).length === 0) return [];
  const labels = labelsOf(about, moments);
  const rows = [
    ...sinceEntries(moments, labels, diary).flatMap((moment) =>
      momentRow(moment, moments, labels, about),
    ),
    ...commandRows(diary, commands, about, labels),
    ...(turn ? restRows(diary, commands, turn) : []),
  ];
  if (!turn && new Set(rows.map(({ worker }) => worker)).size < 2) return [];
  return drawDiagram(rows, legendOf(labels, diary), diary.now());
}

/** Some checks pause a worker until they have caught it at the right moment: only the last time matters. */
function withoutShortPauses(moments: readonly Moment[]): readonly Moment[] {
  const short = new Set<Moment>();
  for (const pause of moments.filter(({ deed }) => deed === 'is paused')) {
    const next = moments
      .slice(moments.indexOf(pause) + 1)
      .find(({ worker }) => worker === pause.worker);
    if (next?.deed !== 'is woken' || next.at - pause.at > SHORT_PAUSE_MS) continue;
    short.add(pause).add(next);
  }
  return moments.filter((moment) => !short.has(moment));
}

/** Without what was over when the first of these entries was added: of what came before, only who is at work since then. */
function sinceEntries(moments: readonly Moment[], labels: Labels, diary: Diary): readonly Moment[] {
  if (labels.size === 0) return moments;
  const added = Math.min(...[...labels.keys()].map((id) => diary.since(Number(id.split('-')[0]))));
  return moments.filter(({ at, worker }, index) => {
    const next = moments.slice(index + 1).find((one) => one.worker === worker);
    return !(at < added) || !next || next.at >= added;
  });
}

/** The last time that a worker was killed, paused, or started once more; or told to stop, if the failure is about that worker. */
function turningPoint(moments: readonly Moment[], { workers }: About): Moment | undefined {
  return moments.findLast(
    (moment) =>
      HARD.has(moment.deed) ||
      isRestart(moment, moments) ||
      (moment.deed === 'is told to stop' && workers?.includes(moment.worker)),
  );
}

/** Whether it is a start after an end. One process may also have several loops at once. */
function isRestart(moment: Moment, moments: readonly Moment[]): boolean {
  if (moment.deed !== 'starts') return false;
  return moments
    .slice(0, moments.indexOf(moment))
    .some(({ worker, deed }) => worker === moment.worker && ENDS.has(deed));
}

/**
 * Letters for the entries that a failure is about. When it names none but a worker, for what that had in hand when it was told to
 * stop, and began with afterwards.
 */
function labelsOf(about: About, moments: readonly Moment[]): Labels {
  const { entries = [], workers = [] } = about;
  const stop = moments.findLastIndex(
    ({ deed, worker }) => deed === 'is told to stop' && workers.includes(worker),
  );
  const begun = (from: number, to?: number) =>
    moments
      .slice(from, to)
      .flatMap(({ deed, worker, of }) =>
        deed === 'begins' && workers.includes(worker) ? [of] : [],
      );
  const handled = stop < 0 ? [] : [...begun(0, stop).slice(-1), ...begun(stop)];
  const ids = [...new Set(entries.length > 0 ? entries : handled)].slice(0, MOST_LABELS);
  const letter = (index: number) => String.fromCharCode(FIRST_LETTER + index);
  return new Map(ids.map((id, index) => [id, id.length > SHORT_ID ? letter(index) : id]));
}

function legendOf(labels: Labels, diary: Diary): string[] {
  return [...labels].flatMap(([id, label]) => {
    if (id === label) return [];
    const added = diary.since(Number(id.split('-')[0]));
    const when = added >= 0 && added <= diary.now() ? `, added at ${Math.round(added)} ms` : '';
    return [`${label} = ${id}${when}`];
  });
}

function momentRow(
  moment: Moment,
  moments: readonly Moment[],
  labels: Labels,
  about: About,
): Row[] {
  const { at, worker, deed, of } = moment;
  const label = labels.get(of);
  if (deed === 'begins' || deed === 'ends' || deed === 'throws') {
    if (!label) return [];
    const did = { begins: 'begins with', ends: 'is done with', throws: 'throws at' }[deed];
    return [{ at, worker, text: `handler ${did} ${label}`, rank: 3 }];
  }
  const isMeant = deed !== 'starts' && about.workers?.includes(worker);
  const text = fateText(moment, moments, labels);
  return [{ at, worker, text, rank: HARD.has(deed) || isMeant ? 4 : 2 }];
}

function fateText(moment: Moment, moments: readonly Moment[], labels: Labels): string {
  const { deed, of } = moment;
  if (deed === 'starts') return `starts ${of}${isRestart(moment, moments) ? ' again' : ''}`;
  if (deed === 'returns') return `returns from ${of}`;
  if (deed === 'fails') return `${of} ends with an error`;
  const open = openAt(moment, moments).flatMap((id) => labels.get(id) ?? []);
  return open.length > 0 && deed !== 'is woken'
    ? `${deed}, with ${open.join(' and ')} in hand`
    : deed;
}

/** The entries whose handlers a worker had begun by then, and not ended. */
function openAt(until: Moment, moments: readonly Moment[]): string[] {
  const open = new Set<string>();
  for (const { worker, deed, of } of moments.slice(0, moments.indexOf(until))) {
    if (worker !== until.worker) continue;
    if (deed === 'starts' || deed === 'is killed') open.clear();
    else if (deed === 'begins') open.add(of);
    else open.delete(of);
  }
  return [...open];
}

/** Commands that do something with what the failure is about, and the reads right before a handler began with it. */
function commandRows(
  diary: Diary,
  commands: readonly Recorded[],
  about: About,
  labels: Labels,
): Row[] {
  const names = new Set([...namesOf(about), ...labels.keys()]);
  const meant = new Set(commandsNaming(names, commands, diary, about.group?.stream));
  if (about.command) meant.add(about.command);
  const inScripts = new Set([...meant].map(({ sender }) => sender));
  return [...meant].flatMap((one) => {
    const [command = ''] = one.args;
    // Of a script, what it does is told, and not that it was sent.
    const isTold = isScript(command) && inScripts.has(one.worker);
    if (one !== about.command && (isTold || LOOKS.test(command))) return [];
    const rank = one === about.command ? 5 : isRead(one) ? 1 : 3;
    const text = commandText(one, labels);
    return [{ at: diary.since(one.at), worker: senderOf(one), text, rank }];
  });
}

/** A command in a few words: what it is about, and not all that it takes. */
function commandText(one: Recorded, labels: Labels): string {
  const [command = '', ...values] = one.args.map(unescaped);
  const name = command.toUpperCase();
  const known = values.flatMap((value) => labels.get(value) ?? []);
  const inScript = one.sender ? ' (in a script)' : '';
  if (name === 'XREADGROUP') return `${name} ${values.at(-1)}${inScript}`;
  if (name === 'XAUTOCLAIM') return `${name}, idle for ${values[3]} ms${inScript}`;
  if (known.length === 0) return asLine(one);
  if (name === 'XADD') return `${name} ${values[0]} (${known.join(' ')})${inScript}`;
  return `${name} ${known.join(' ')}${inScript}`;
}

/** What those have sent since then who are still at work: what they do, and what they do not do. */
function restRows(diary: Diary, commands: readonly Recorded[], since: Moment): Row[] {
  const later = commands.filter((one) => !one.sender && diary.since(one.at) > since.at);
  return [...new Set(diary.moments.map(({ worker }) => worker))].flatMap((worker) => {
    const own = later.filter((one) => one.worker === worker);
    if (diary.fateOf(worker) || own.length === 0) return [];
    return [{ at: diary.now(), worker, text: `since then: ${counts(own)}`, rank: 3 }];
  });
}

/** `684 XREADGROUP, 682 XACK` */
function counts(commands: readonly Recorded[]): string {
  const times = new Map<string, number>();
  for (const {
    args: [command = ''],
  } of commands) {
    const name = command.toUpperCase();
    times.set(name, (times.get(name) ?? 0) + 1);
  }
  const others = [...times.keys()]
    .filter((name) => !COUNTED_FIRST.includes(name))
    .toSorted((a, b) => (times.get(b) ?? 0) - (times.get(a) ?? 0));
  return [...COUNTED_FIRST, ...others]
    .filter((name) => times.has(name))
    .slice(0, MOST_COUNTED)
    .map((name) => `${times.get(name)} ${name}`)
    .join(', ');
}
