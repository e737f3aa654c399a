import { colour } from '../../system/terminal/colour.ts';
import { cut, padded, widthOf } from '../../system/terminal/width.ts';
import type { StreamSnapshot } from './stream-snapshot.ts';

const WIDEST_NAME = 30;

/** A stream as a screen shows it; no line is wider than `columns`. */
export function streamLines(
  snapshot: StreamSnapshot,
  rate: number | undefined,
  columns: number,
): string[] {
  const { key, length, lastId, entries, groups } = snapshot;
  const lines = [
    `${colour.bold(cut(key, columns))}`,
    cut(`${counted(length, 'entry', 'entries')}   ${rateText(rate)}   last id ${lastId}`, columns),
    '',
    colour.cyan('Newest entries'),
    ...entries.map(([id, fields]) => entryLine(id, fields, columns)),
  ];
  if (entries.length === 0) lines.push('  none');
  lines.push('', colour.cyan('Groups'));
  if (groups.length === 0) lines.push('  none');
  for (const group of groups) {
    const { name, pending, lag, lastDelivered, consumers } = group;
    const about = `lag ${lag ?? 'unknown'}   pending ${pending}   up to ${lastDelivered}`;
    lines.push(cut(`  ${padded(name, nameWidth([name]))}   ${about}`, columns));
    const width = nameWidth(consumers.map((consumer) => consumer.name));
    for (const consumer of consumers) {
      const state = `pending ${String(consumer.pending).padStart(4)}   idle ${duration(consumer.idleMs)}`;
      lines.push(cut(`    ${padded(consumer.name, width)}   ${state}`, columns));
    }
  }
  return lines;
}

/** All streams of a server, one line each, numbered. */
export function listLines(snapshots: readonly StreamSnapshot[], columns: number): string[] {
  const width = nameWidth(snapshots.map(({ key }) => key));
  return snapshots.map(({ key, length, groups }, index) => {
    const count = counted(length, 'entry', 'entries').padStart(14);
    const readers = counted(groups.length, 'group', 'groups');
    return cut(`  ${index + 1}  ${padded(key, width)}  ${count}   ${readers}`, columns);
  });
}

/** A stream in one line, for a pipe. */
export function streamLine(snapshot: StreamSnapshot, rate: number | undefined): string {
  const { at, key, length, lastId, groups } = snapshot;
  const parts = groups.map(({ name, lag, pending, consumers }) => {
    const holding = consumers.filter((consumer) => consumer.pending > 0);
    const held = holding.map((consumer) => `${consumer.name} ${consumer.pending}`).join(', ');
    return `${name}: lag ${lag ?? 'unknown'}, pending ${pending}${held ? ` (${held})` : ''}`;
  });
  const time = new Date(at).toLocaleTimeString('sv-SE');
  const pace = rate === undefined ? '' : ` ${rateText(rate)},`;
  const first = `${time} ${key}: ${counted(length, 'entry', 'entries')},${pace} last id ${lastId}`;
  return [first, ...parts].join('; ');
}

function entryLine(id: string, fields: readonly string[], columns: number): string {
  const pairs: string[] = [];
  for (let at = 0; at < fields.length; at += 2) pairs.push(`${fields[at]}=${fields[at + 1]}`);
  return cut(`  ${id}  ${pairs.join(' ')}`, columns);
}

function rateText(rate: number | undefined): string {
  return rate === undefined ? 'rate unknown yet' : `${rate.toFixed(1)} a second`;
}

function counted(count: number, one: string, many: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

function nameWidth(names: readonly string[]): number {
  return Math.min(WIDEST_NAME, Math.max(8, ...names.map(widthOf)));
}

function duration(milliseconds: number): string {
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  const minutes = Math.floor(milliseconds / 60_000);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
