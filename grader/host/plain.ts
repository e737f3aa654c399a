import { inspect } from 'node:util';
import { serialize } from 'node:v8';
import type { Problem } from '../messages.ts';

/** Whatever was thrown, as plain data. */
export function problemOf(error: unknown): Extract<Problem, { kind: 'threw' }> {
  if (error instanceof Error) {
    return { kind: 'threw', message: error.message, stack: error.stack ?? '' };
  }
  return { kind: 'threw', message: `it threw ${describe(error)}, which is no Error`, stack: '' };
}

/** The value itself when it can travel to another process, else a description of it. */
export function asCopy(value: unknown): unknown {
  try {
    serialize(value);
    return value;
  } catch {
    return describe(value);
  }
}

/** How it is shown may be its own idea too. */
function describe(value: unknown): string {
  try {
    return inspect(value);
  } catch {
    return 'something that cannot be shown';
  }
}

/** What there is in the place of a function. */
export function describeExport(value: unknown): string {
  if (value === undefined) return 'nothing of that name';
  if (typeof value === 'object' && value !== null) return 'an object';
  return `a ${typeof value}`;
}
