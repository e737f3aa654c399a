import { inspect } from 'node:util';
import type { Problem } from '../messages.ts';

/** Whatever was thrown, as plain data. */
export function problemOf(error: unknown): Extract<Problem, { kind: 'threw' }> {
  if (error instanceof Error) {
    return { kind: 'threw', message: error.message, stack: error.stack ?? '' };
  }
  return { kind: 'threw', message: `it threw ${inspect(error)}, which is no Error`, stack: '' };
}

/** The value itself when it can travel to another process, else a description of it. */
export function asCopy(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return inspect(value);
  }
}

/** What there is in the place of a function. */
export function describeExport(value: unknown): string {
  if (value === undefined) return 'nothing of that name';
  if (typeof value === 'object' && value !== null) return 'an object';
  return `a ${typeof value}`;
}
