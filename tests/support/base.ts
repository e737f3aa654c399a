import { readFileSync } from 'node:fs';

/** What is replaced by what. The text has to be there exactly once. */
export type Change = readonly [text: string, by: string];

/** A correct submission of an exercise. It never changes, as the solution does when somebody finds a better word. */
export function readBase(name: string): string {
  return readFileSync(new URL(`../grader/base/${name}.ts`, import.meta.url), 'utf8');
}

export function changed(code: string, ...changes: readonly Change[]): string {
  return changes.reduce((text, [old, by]) => {
    const parts = text.split(old);
    if (parts.length !== 2) throw new Error(`found ${parts.length - 1} times, not once:\n${old}`);
    return parts.join(by);
  }, code);
}

/** It keeps no more than a few orders: it fails requirement 2 of `orders`, which is worth 6 points, and no other. */
export const FORGETFUL = changed(readBase('orders'), ['KEPT_ORDERS = 10_000', 'KEPT_ORDERS = 10']);
