import { UserError } from '../../system/process/user-error.ts';

const MINUTE_MS = 60_000;
const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?$/;

/**
 * When the work was due, as typed with `--due`: `2026-11-30T23:59` by this machine's clock, or with `Z` or `+01:00` behind it.
 *
 * @returns ISO 8601, UTC
 * @throws UserError when it is no such time. A day alone is none: is its beginning meant, or its end?
 */
export function readDue(text: string): string {
  const date = new Date(text.replace(' ', 'T'));
  if (TIME.test(text) && !Number.isNaN(date.getTime())) {
    return date.toISOString().replace('.000Z', 'Z');
  }
  throw new UserError(
    `--due is a day and a time, such as 2026-11-30T23:59 (this machine's clock) or 2026-11-30T23:59+01:00, not '${text}'.`,
  );
}

/** How many minutes after the due time, begun ones included; 0 for in time. */
export function minutesLate(handedIn: string | undefined, due: string): number | undefined {
  if (handedIn === undefined) return undefined;
  return Math.max(0, Math.ceil((Date.parse(handedIn) - Date.parse(due)) / MINUTE_MS));
}

/** `2 d 3 h 5 min` */
export function inWords(minutes: number): string {
  const parts: [number, string][] = [
    [Math.floor(minutes / 1440), 'd'],
    [Math.floor(minutes / 60) % 24, 'h'],
    [minutes % 60, 'min'],
  ];
  const said = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`);
  return said.join(' ') || '0 min';
}
